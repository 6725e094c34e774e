package zooid_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"zooid"
	"zooid/zooidtest"
)

func nodeAt(t *testing.T, c *zooid.Client, path string) map[string]any {
	t.Helper()
	var node map[string]any
	must[zooid.State](t)(c.Sync(ctx))
	check(t, json.Unmarshal(must[*zooid.Node](t)(c.Get(ctx, path)).Data, &node) == nil)
	return node
}

func TestARegistrationLivesUntilItIsClosed(t *testing.T) {
	c := zooidtest.Start(t).Client()
	web := must[*zooid.Registration](t)(c.Services().Register(ctx, zooid.Service{
		Name: "web", ID: "g1", Port: 80, Tags: []string{"v1"}, Meta: map[string]string{"zone": "a"}}))
	check(t, web.Path == "/services/web/g1", web.Path)
	node := nodeAt(t, c, web.Path)
	payload := node["payload"].(map[string]any)
	check(t, node["port"] == 80.0 && node["sslPort"] == nil && node["enabled"] == true, node)
	check(t, payload["zooid"] == 1.0 && payload["weight"] == 1.0 && payload["health"] == "passing", payload)
	check(t, web.SetHealth(zooid.Critical) == nil && nodeAt(t, c, web.Path)["enabled"] == false)
	check(t, errors.Is(web.SetHealth("well"), zooid.BadArguments))
	check(t, web.SetHealth(zooid.Warning) == nil && web.Maintain("disk") == nil)
	payload = nodeAt(t, c, web.Path)["payload"].(map[string]any)
	check(t, payload["health"] == "warning" && payload["maintenance"] == "disk", payload)
	check(t, web.Maintain("") == nil && nodeAt(t, c, web.Path)["enabled"] == true)
	check(t, web.Close() == nil && web.Close() == nil)
	must[zooid.State](t)(c.Sync(ctx))
	check(t, len(must[[]string](t)(c.List(ctx, "/services/web"))) == 0)
	check(t, web.Maintain("late") != nil)
	for _, wrong := range []string{"", ".", "a/b"} {
		_, err := c.Services().Register(ctx, zooid.Service{Name: wrong})
		check(t, errors.Is(err, zooid.BadArguments), err)
	}
}

// The answers are those of the plugin discovery.
func TestQuestionsAboutServices(t *testing.T) {
	c := zooidtest.Start(t).Client()
	var asked map[string]any
	answer := func(text string) func(context.Context, *zooid.Called) ([]byte, error) {
		return func(_ context.Context, call *zooid.Called) ([]byte, error) {
			var request struct{ Args map[string]any }
			err := json.Unmarshal(call.Request, &request)
			asked = request.Args
			return []byte(text), err
		}
	}
	found := `{"service":"web","guard":"empty","connected":true,"instances":[{"service":"web","id":"i1","address":"10.0.0.1",
		"port":80,"sslPort":null,"tags":["v1"],"meta":{"zone":"a"},"weight":3,"health":"passing","since":5,"host":"h1",
		"maintenance":null,"registered":4,"enabled":true,"suspect":true}]}`
	provide(t, c, "discovery", map[string]zooid.Command{
		"query": {Run: answer(found)}, "pick": {Run: answer(found)},
		"list": {Run: answer(`[{"service":"web","instances":2,"passing":1,"critical":1,"guard":null}]`)},
	})
	services := c.Services()
	got := must[zooid.Answer](t)(services.Query(ctx, "web", zooid.Query{Tags: []string{"v1", "eu"}, Host: "h1",
		Meta: map[string]string{"zone": "a"}, Health: zooid.Warning, ByWeight: true, Limit: 3}))
	check(t, got.Guard == "empty" && got.Connected && len(got.Instances) == 1, got)
	check(t, got.Instances[0].Port == 80 && got.Instances[0].SSLPort == 0 && got.Instances[0].Suspect, got)
	check(t, reflect.DeepEqual(asked, map[string]any{"service": "web", "tag": "v1,eu", "host": "h1", "meta.zone": "a",
		"health": "warning", "sort": "weight", "limit": "3"}), asked)
	check(t, must[zooid.Instance](t)(services.Pick(ctx, "web", zooid.Query{})).ID == "i1")
	check(t, must[[]zooid.Summary](t)(services.List(ctx))[0].Critical == 1)
	services.Plugin = "nobody"
	_, err := services.List(ctx)
	check(t, errors.Is(err, zooid.NoSuchProvider), err)
}
