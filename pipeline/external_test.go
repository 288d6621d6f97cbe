package pipeline

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"earshot"
)

// startNATS runs a server that listens; port -1 takes a free one.
func startNATS(t *testing.T, dir string, port int) *server.Server {
	t.Helper()
	srv, err := server.NewServer(&server.Options{
		ServerName: "elsewhere", Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: dir, JetStreamMaxStore: 1 << 30, NoSystemAccount: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("server is not ready")
	}
	t.Cleanup(func() { stopNATS(srv) })
	return srv
}

func stopNATS(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

func TestBusElsewhereRestarts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nats")
	srv := startNATS(t, dir, -1)
	url, port := srv.ClientURL(), srv.Addr().String()
	b, store := openBus(t, BusConfig{URL: url}), newMemStore()
	relay, _ := runRelay(t, store, b)
	r, _ := runRouter(t, b, store, assistJob)
	<-r.Running()

	want := store.addEvents(earshot.EventUtteranceFinal, 0, 20)
	relay.Wake()
	eventually(t, "some are handled", func() bool { return len(store.keysOf(earshot.JobAssist)) > 5 })
	stopNATS(srv) // while the others are on their way
	want = append(want, store.addEvents(earshot.EventUtteranceFinal, 20, 20)...)
	relay.Wake()
	eventually(t, "the bus is missed", func() bool { return b.Check(t.Context()) != nil && counterValue(t, relay.errors) > 0 })

	startNATS(t, dir, portOf(t, port))
	wantKeys(t, store, want)
	eventually(t, "all marked", func() bool { return store.publishedCount() == len(want) })
	eventually(t, "the bus is back", func() bool { return b.Check(t.Context()) == nil })
}

func TestBusElsewhereLosesEverything(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nats")
	srv := startNATS(t, dir, -1)
	port := portOf(t, srv.Addr().String())
	b, store := openBus(t, BusConfig{URL: srv.ClientURL()}), newMemStore()
	relay, _ := runRelay(t, store, b)
	r, _ := runRouter(t, b, store, assistJob)
	want := store.addEvents(earshot.EventUtteranceFinal, 0, 10)
	wantKeys(t, store, want)
	eventually(t, "all marked", func() bool { return store.publishedCount() == 10 })
	stopNATS(srv)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	startNATS(t, dir, port)
	eventually(t, "the recent events are there again", func() bool {
		return counterValue(t, r.handled.WithLabelValues("assist_utterance_final")) >= 20
	})
	want = append(want, store.addEvents(earshot.EventUtteranceFinal, 10, 5)...)
	relay.Wake()
	wantKeys(t, store, want)
}

func TestStreamDeletedUnderWay(t *testing.T) {
	srv := startNATS(t, t.TempDir(), -1)
	b, store := openBus(t, BusConfig{URL: srv.ClientURL()}), newMemStore()
	relay, _ := runRelay(t, store, b)
	runRouter(t, b, store, assistJob)
	want := store.addEvents(earshot.EventUtteranceFinal, 0, 3)
	wantKeys(t, store, want)
	if err := b.js.DeleteStream(streamName); err != nil {
		t.Fatal(err)
	}
	want = append(want, store.addEvents(earshot.EventUtteranceFinal, 3, 3)...)
	relay.Wake()
	wantKeys(t, store, want)
}

func TestBusElsewhereIsNotThereYet(t *testing.T) {
	srv := startNATS(t, t.TempDir(), -1)
	url, port := srv.ClientURL(), portOf(t, srv.Addr().String())
	stopNATS(srv)
	b, store := openBus(t, BusConfig{URL: url}), newMemStore()
	if err := b.Check(t.Context()); err == nil {
		t.Error("Check finds a bus that is not there")
	}
	if b.Fresh() {
		t.Error("a bus that is not there is fresh")
	}
	if err := b.PublishPartial(earshot.NewEvent(earshot.EventUtterancePartial, "c", "x")); err == nil {
		t.Error("a partial went nowhere without an error")
	}
	runRelay(t, store, b)
	runRouter(t, b, store, assistJob)
	want := store.addEvents(earshot.EventUtteranceFinal, 0, 5)
	startNATS(t, t.TempDir(), port)
	wantKeys(t, store, want)
}

func portOf(t *testing.T, addr string) int {
	t.Helper()
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return int(ap.Port())
}
