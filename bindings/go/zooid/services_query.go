package zooid

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
)

// Instance is one that was found. Since and Registered are milliseconds since 1970; Suspect: it is not in the tree any
// more, or not well, and a guard has kept it; Payload is what a client of Curator put there.
type Instance struct {
	Service     string            `json:"service"`
	ID          string            `json:"id"`
	Address     string            `json:"address"`
	Port        int               `json:"port"`    // 0: none
	SSLPort     int               `json:"sslPort"` // 0: none
	Tags        []string          `json:"tags"`
	Meta        map[string]string `json:"meta"`
	Weight      int               `json:"weight"`
	Health      Health            `json:"health"`
	Since       int64             `json:"since"`
	Host        string            `json:"host"`
	Maintenance string            `json:"maintenance"` // why; "": it is in service
	Registered  int64             `json:"registered"`
	Enabled     bool              `json:"enabled"`
	Suspect     bool              `json:"suspect"`
	Payload     json.RawMessage   `json:"payload"`
}

// Answer to a query. Guard is "" when the tree says so, else "empty", "mass_expiry" or "restored"; Connected: the plugin
// hears of changes at this moment.
type Answer struct {
	Instances []Instance `json:"instances"`
	Guard     string     `json:"guard"`
	Connected bool       `json:"connected"`
}

// Summary is how many instances of a service are in which state.
type Summary struct {
	Service     string `json:"service"`
	Instances   int    `json:"instances"`
	Passing     int    `json:"passing"`
	Warning     int    `json:"warning"`
	Critical    int    `json:"critical"`
	Maintenance int    `json:"maintenance"`
	Guard       string `json:"guard"`
}

// Query chooses among the instances of a service: those with all of the tags and metadata, on the host, and up to the
// health ("": Passing).
type Query struct {
	Tags     []string
	Meta     map[string]string
	Health   Health
	Host     string
	ByWeight bool // the heavy ones first; else by id
	Limit    int  // 0: all
}

func (q Query) arguments(service string) map[string]any {
	arguments := map[string]any{"service": service}
	for key, value := range q.Meta {
		arguments["meta."+key] = value
	}
	if len(q.Tags) > 0 {
		arguments["tag"] = strings.Join(q.Tags, ",")
	}
	if q.Health != "" {
		arguments["health"] = string(q.Health)
	}
	if q.Host != "" {
		arguments["host"] = q.Host
	}
	if q.ByWeight {
		arguments["sort"] = "weight"
	}
	if q.Limit > 0 {
		arguments["limit"] = strconv.Itoa(q.Limit)
	}
	return arguments
}

func (s *Services) ask(ctx context.Context, command string, arguments map[string]any, answer any) error {
	data, err := s.client.Call(ctx, s.Plugin, command, NamedArgs(arguments))
	if err != nil {
		return err
	}
	return json.Unmarshal(data, answer)
}

// Query finds instances.
func (s *Services) Query(ctx context.Context, service string, query Query) (Answer, error) {
	var answer Answer
	err := s.ask(ctx, "query", query.arguments(service), &answer)
	return answer, err
}

// Pick draws one by weight. NoNode: there is none.
func (s *Services) Pick(ctx context.Context, service string, query Query) (Instance, error) {
	var answer Answer
	if err := s.ask(ctx, "pick", query.arguments(service), &answer); err != nil {
		return Instance{}, err
	}
	if len(answer.Instances) == 0 {
		return Instance{}, errorOf(NoNode, service)
	}
	return answer.Instances[0], nil
}

// List is all services.
func (s *Services) List(ctx context.Context) ([]Summary, error) {
	var summaries []Summary
	err := s.ask(ctx, "list", nil, &summaries)
	return summaries, err
}
