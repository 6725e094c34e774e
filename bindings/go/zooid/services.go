package zooid

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What a node says before it goes on purpose, so that no guard keeps it; and where the route out of this host leads.
const (
	farewell   = "deregistered"
	anyAddress = "192.0.2.1:9"
)

// Services registers services, and finds them: see zooid-discovery(7). Registering needs nothing but the agent; the
// questions are the plugin's.
type Services struct {
	client *Client
	Base   string // where services are in the tree
	Plugin string // that is asked
}

// Services with what is usual: /services and the plugin discovery.
func (c *Client) Services() *Services {
	return &Services{client: c, Base: "/services", Plugin: "discovery"}
}

// Service is an instance to be registered. The zero values of ID, Address and Weight stand for name-host-port, this host's
// address and 1; a port of 0 for none.
type Service struct {
	Name, ID, Address string
	Port, SSLPort     int
	Weight            int
	Tags              []string
	Meta              map[string]string
}

// Health of an instance.
type Health string

// The worse the later. AnyHealth is for queries: all that the tree has.
const (
	Passing   Health = "passing"
	Warning   Health = "warning"
	Critical  Health = "critical"
	AnyHealth Health = "any"
)

// Registration is an instance in the tree, until it is closed or its client is; made again whenever it is gone.
type Registration struct {
	ID, Path string

	client       *Client
	presence     *Presence
	mu           sync.Mutex
	service      Service
	host         string
	health       Health
	reason       *string
	since, began int64
}

// The JSON of Curator's x-discovery.
type nodeJSON struct {
	Name       string      `json:"name"`
	ID         string      `json:"id"`
	Address    string      `json:"address"`
	Port       *int        `json:"port"`
	SSLPort    *int        `json:"sslPort"`
	Payload    payloadJSON `json:"payload"`
	Registered int64       `json:"registrationTimeUTC"`
	Type       string      `json:"serviceType"`
	URISpec    *string     `json:"uriSpec"`
	Enabled    bool        `json:"enabled"`
}

type payloadJSON struct {
	Zooid       int               `json:"zooid"`
	Tags        []string          `json:"tags"`
	Meta        map[string]string `json:"meta"`
	Weight      int               `json:"weight"`
	Health      Health            `json:"health"`
	Since       int64             `json:"since"`
	Host        string            `json:"host"`
	Maintenance *string           `json:"maintenance"`
}

func portOf(port int) *int {
	if port == 0 {
		return nil
	}
	return &port
}

func (r *Registration) data(reason *string) ([]byte, error) {
	s := r.service
	return json.Marshal(nodeJSON{
		Name: s.Name, ID: r.ID, Address: s.Address, Port: portOf(s.Port), SSLPort: portOf(s.SSLPort),
		Payload: payloadJSON{Zooid: 1, Tags: s.Tags, Meta: s.Meta, Weight: s.Weight, Health: r.health, Since: r.since,
			Host: r.host, Maintenance: reason},
		Registered: r.began, Type: "DYNAMIC", Enabled: r.health != Critical && reason == nil,
	})
}

// By which others reach this host; nothing is sent.
func ownAddress() string {
	connection, err := net.Dial("udp", anyAddress)
	if err != nil {
		return "127.0.0.1"
	}
	defer connection.Close()
	return connection.LocalAddr().(*net.UDPAddr).IP.String()
}

func isName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00")
}

// completed has what was left out.
func (s Service) completed(host string) Service {
	if s.ID == "" {
		s.ID = s.Name + "-" + host
		if s.Port != 0 {
			s.ID += "-" + strconv.Itoa(s.Port)
		}
	}
	if s.Address == "" {
		s.Address = ownAddress()
	}
	if s.Weight == 0 {
		s.Weight = 1
	}
	if s.Tags == nil {
		s.Tags = []string{}
	}
	if s.Meta == nil {
		s.Meta = map[string]string{}
	}
	return s
}

// Register puts the instance into the tree, and returns when it is there. It stays until it is closed.
func (s *Services) Register(ctx context.Context, service Service) (*Registration, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	service = service.completed(host)
	if !isName(service.Name) || !isName(service.ID) {
		return nil, errorOf(BadArguments, service.Name)
	}
	now := time.Now().UnixMilli()
	r := &Registration{ID: service.ID, Path: s.Base + "/" + service.Name + "/" + service.ID, client: s.client,
		service: service, host: host, health: Passing, since: now, began: now}
	data, err := r.data(nil)
	if err != nil {
		return nil, err
	}
	if r.presence, err = s.client.Keep(r.Path, data); err != nil {
		return nil, err
	}
	if _, err = r.presence.Wait(ctx); err != nil {
		_ = r.presence.Close()
		return nil, err
	}
	return r, nil
}

func (r *Registration) say() error {
	data, err := r.data(r.reason)
	if err != nil {
		return err
	}
	return r.presence.Set(data)
}

// Maintain takes it out of service, saying why; "" puts it in service again.
func (r *Registration) Maintain(reason string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reason = &reason
	if reason == "" {
		r.reason = nil
	}
	return r.say()
}

// SetHealth says how it is.
func (r *Registration) SetHealth(health Health) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if health != Passing && health != Warning && health != Critical {
		return errorOf(BadArguments, r.Path)
	}
	r.health, r.since = health, time.Now().UnixMilli()
	return r.say()
}

// Close says good-bye, and takes it away. It may be called again.
func (r *Registration) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	why := farewell
	if data, err := r.data(&why); err == nil && r.presence.Set(data) == nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, _ = r.client.Set(ctx, r.Path, data, AnyVersion) // it goes all the same
	}
	return r.presence.Close()
}
