package zooid

import (
	"context"
	"strings"
	"time"

	"zooid/internal/swig"
)

const (
	kindPersistent = iota
	kindEphemeral
	kindContainer
	kindTTL
)

// CreateOption says more about a node that is made.
type CreateOption func(n *creating)

type creating struct {
	kind       int
	kinds      int
	sequential bool
	ttl        time.Duration
	acl        []ACL
}

func ofKind(kind int) CreateOption {
	return func(n *creating) {
		n.kind = kind
		n.kinds++
	}
}

// Ephemeral lets the node end with the session.
func Ephemeral() CreateOption { return ofKind(kindEphemeral) }

// Container lets the node be deleted when its last child is gone.
func Container() CreateOption { return ofKind(kindContainer) }

// TTL lets the node be deleted when it has had no child and no change for so long.
func TTL(ttl time.Duration) CreateOption {
	return func(n *creating) {
		ofKind(kindTTL)(n)
		n.ttl = ttl
	}
}

// Sequential gives the path a number at its end.
func Sequential() CreateOption { return func(n *creating) { n.sequential = true } }

// WithACL is the access list instead of OpenACL.
func WithACL(acl ...ACL) CreateOption { return func(n *creating) { n.acl = acl } }

// Write is one write of a multi: what CreateOp, SetOp, DeleteOp or CheckOp make.
type Write func() *ask

// CreateOp makes a node.
func CreateOp(path string, data []byte, options ...CreateOption) Write {
	return func() *ask {
		var n creating
		for _, option := range options {
			option(&n)
		}
		a := newWrite(path, func(path string) uintptr { return swig.Request_create(path, data, n.kind) })
		if n.kinds > 1 {
			a.add(int(BadArguments))
		}
		if a.code != ok {
			return a
		}
		if n.sequential {
			a.add(swig.Request_set_sequential(a.request))
		}
		if n.kind == kindTTL {
			a.add(swig.Request_set_ttl(a.request, n.ttl.Milliseconds()))
		}
		a.addACL(n.acl)
		return a
	}
}

// SetOp changes the data; nil is null.
func SetOp(path string, data []byte, version int32) Write {
	return func() *ask {
		return newWrite(path, func(path string) uintptr { return swig.Request_set(path, data, int(version)) })
	}
}

// DeleteOp deletes a node.
func DeleteOp(path string, version int32) Write {
	return func() *ask {
		return newWrite(path, func(path string) uintptr { return swig.Request_delete(path, int(version)) })
	}
}

// CheckOp succeeds only if the node has this version.
func CheckOp(path string, version int32) Write {
	return func() *ask {
		return newWrite(path, func(path string) uintptr { return swig.Request_check(path, int(version)) })
	}
}

// Create makes a node and returns its path, to which Sequential has added a number.
func (c *Client) Create(ctx context.Context, path string, data []byte, options ...CreateOption) (string, error) {
	r, err := c.run(ctx, CreateOp(path, data, options...)())
	if err != nil {
		return "", err
	}
	return r.path, nil
}

// Set changes the data; nil is null.
func (c *Client) Set(ctx context.Context, path string, data []byte, version int32) (*Stat, error) {
	return c.statOf(ctx, SetOp(path, data, version)())
}

// SetACL changes the access list.
func (c *Client) SetACL(ctx context.Context, path string, acl []ACL, version int32) (*Stat, error) {
	a := newWrite(path, func(path string) uintptr { return swig.Request_set_acl(path, int(version)) })
	a.addACL(acl)
	return c.statOf(ctx, a)
}

func (c *Client) statOf(ctx context.Context, a *ask) (*Stat, error) {
	r, err := c.run(ctx, a)
	if err != nil {
		return nil, err
	}
	return r.stat, nil
}

// Delete deletes a node.
func (c *Client) Delete(ctx context.Context, path string, version int32) error {
	_, err := c.run(ctx, DeleteOp(path, version)())
	return err
}

// Multi makes all of the writes or none. The error is that of the first that failed; its Results are of all.
func (c *Client) Multi(ctx context.Context, writes ...Write) ([]Result, error) {
	a := newWrite("", func(string) uintptr { return swig.Request_multi() })
	for _, write := range writes {
		part := write()
		request, err := part.finish()
		if err != nil {
			a.add(int(part.code))
			break
		}
		if a.code != ok {
			swig.Request_free(request)
			break
		}
		a.add(swig.Request_add(a.request, request))
	}
	r, err := c.run(ctx, a)
	if err != nil {
		return nil, err
	}
	return r.results(), nil
}

// EnsurePath creates what is missing of it.
func (c *Client) EnsurePath(ctx context.Context, path string) error {
	_, err := c.errand(ctx, path, swig.Submit_ensure_path)
	return err
}

// DeleteRecursive deletes the node and all below it, one after the other; it is no error that nothing is there.
func (c *Client) DeleteRecursive(ctx context.Context, path string) error {
	_, err := c.errand(ctx, path, swig.Submit_delete_recursive)
	return err
}

// Reconfigure changes the members of the ensemble: joining and leaving, or all of them; config -1 minds no version.
func (c *Client) Reconfigure(ctx context.Context, joining, leaving, members string, config int64) (*Node, error) {
	a := newWrite("", func(string) uintptr {
		if strings.IndexByte(joining+leaving+members, 0) >= 0 {
			return 0
		}
		return swig.Request_reconfigure(joining, leaving, members, config)
	})
	r, err := c.run(ctx, a)
	if err != nil {
		return nil, err
	}
	return &Node{Path: r.path, Data: r.data, Stat: r.statOrNone(), Zxid: r.state.Zxid}, nil
}

// AddAuth adds an identity.
func (c *Client) AddAuth(ctx context.Context, scheme string, secret []byte) error {
	_, err := c.run(ctx, newAsk(scheme, func(scheme string) uintptr { return swig.Request_auth(scheme, secret) }))
	return err
}

// OpenSession opens the session, which the first write does by itself.
func (c *Client) OpenSession(ctx context.Context) error {
	_, err := c.run(ctx, newAsk("", func(string) uintptr { return swig.Request_open_session() }))
	return err
}

// CloseSession ends it.
func (c *Client) CloseSession(ctx context.Context) error {
	_, err := c.run(ctx, newAsk("", func(string) uintptr { return swig.Request_close_session() }))
	return err
}
