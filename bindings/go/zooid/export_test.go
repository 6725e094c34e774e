package zooid

// CodeNames has the names of zooid.h for the codes of this package.
var CodeNames = map[Code]string{
	ok: "OK", SystemError: "SYSTEM_ERROR", NotRun: "NOT_RUN", Malformed: "MALFORMED", Unimplemented: "UNIMPLEMENTED",
	BadArguments: "BAD_ARGUMENTS", NewConfigNoQuorum: "NEW_CONFIG_NO_QUORUM",
	ReconfigInProgress: "RECONFIG_IN_PROGRESS", NoNode: "NO_NODE", NoAuth: "NO_AUTH", BadVersion: "BAD_VERSION",
	NoChildrenForEphemerals: "NO_CHILDREN_FOR_EPHEMERALS", NodeExists: "NODE_EXISTS", NotEmpty: "NOT_EMPTY",
	SessionExpired: "SESSION_EXPIRED", InvalidACL: "INVALID_ACL", AuthFailed: "AUTH_FAILED",
	SessionMoved: "SESSION_MOVED", ReadOnly: "READ_ONLY", EphemeralOnLocalSession: "EPHEMERAL_ON_LOCAL_SESSION",
	NoWatch: "NO_WATCH", ReconfigDisabled: "RECONFIG_DISABLED",
	SessionClosedRequireAuth: "SESSION_CLOSED_REQUIRE_AUTH", QuotaExceeded: "QUOTA_EXCEEDED", Throttled: "THROTTLED",
	DeadlineExceeded: "DEADLINE_EXCEEDED", Cancelled: "CANCELLED", NotServing: "NOT_SERVING", Stale: "STALE",
	NotChanged: "NOT_CHANGED", NotPermitted: "NOT_PERMITTED", LimitReached: "LIMIT_REACHED",
	WrongVersion: "WRONG_VERSION", NoSuchProvider: "NO_SUCH_PROVIDER", ProviderFailed: "PROVIDER_FAILED",
	Stopping: "STOPPING", FellBehind: "FELL_BEHIND", ConnectionLost: "CONNECTION_LOST", NoMemory: "NO_MEMORY",
	NotHeld: "NOT_HELD", Closed: "CLOSED", ProviderExists: "PROVIDER_EXISTS", ProviderReplaced: "PROVIDER_REPLACED",
}
