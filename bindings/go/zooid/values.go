package zooid

import "time"

// Kind says what becomes of a node by itself: a container goes with its last child, a TTL node when its time is over.
type Kind int32

// The kinds of nodes.
const (
	KindPersistent Kind = iota
	KindEphemeral
	KindContainer
	KindTTL
)

// Stat of a node: zxids, versions, times.
type Stat struct {
	Czxid, Mzxid, Pzxid         int64
	Ctime, Mtime                time.Time
	Version, Cversion, Aversion int32
	EphemeralOwner              int64
	DataLength, NumChildren     int32
	Kind                        Kind
}

// Node as it was at Zxid. Data that is null is nil.
type Node struct {
	Path     string
	Data     []byte
	Stat     Stat
	Zxid     int64
	Children []string // of ReadMany with WithChildren
}

// Result says how one write of a multi fared: of a create path and stat, of a set the stat.
type Result struct {
	Err  error
	Path string
	Stat *Stat
}

// Children is a page of names, with the stat of their parent.
type Children struct {
	Names    []string
	Stat     Stat
	Complete bool // no page follows
	Zxid     int64
}

// Perm is what an ACL allows.
type Perm uint32

// The permissions.
const (
	PermRead Perm = 1 << iota
	PermWrite
	PermCreate
	PermDelete
	PermAdmin
	PermAll Perm = 31
)

// ACL is one entry of a node's access list.
type ACL struct {
	Perms      Perm
	Scheme, ID string
}

// OpenACL lets everybody do everything.
var OpenACL = ACL{PermAll, "world", "anyone"}

// Role is what the agent's member is.
type Role int

// The roles.
const (
	RoleNone Role = iota
	RoleAlone
	RoleLeader
	RoleFollower
	RoleObserver
	RoleReadOnly
)

// State tells how fresh the agent's replica is.
type State struct {
	Zxid int64
	Age  time.Duration // since it heard from its leader
	Role Role
}

// SessionKey is a session's number, and what proves that it is ours. It may be kept anywhere.
type SessionKey struct {
	ID    int64
	Token []byte
}

// SessionState is what a session is known to be.
type SessionState int

// The states of a session.
const (
	SessionNone SessionState = iota
	SessionGood
	SessionSuspended
	SessionLost
)

// Change is what has happened to a node.
type Change int

// The changes. Of subscriptions Reset: what was told before is void, and a snapshot begins, of nodes that are Present;
// CaughtUp: it ends. Missed: events before this one are missing, since nobody fetched them in time.
const (
	Missed         Change = -1
	SessionChanged Change = 0
	Created        Change = iota - 1
	Deleted
	Changed
	ChildrenChanged
	ACLChanged
	Present
	WatchRemoved
	Reset
	CaughtUp
)

// Event is a change of a node that is watched, or of the session, which then is as Session says.
type Event struct {
	Change  Change
	Path    string
	Zxid    int64
	Session SessionState
}

// AnyVersion is for writes that do not mind.
const AnyVersion int32 = -1
