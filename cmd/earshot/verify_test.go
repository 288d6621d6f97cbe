package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/cmd/earshot/app"
	"earshot/cmd/earshot/config"
	"earshot/store/sqlite"
)

// recordedCall is a data folder with one call, rendered, with an Opus file.
func recordedCall(t *testing.T, change func(*earshot.Call)) config.Config {
	t.Helper()
	cfg := config.Default()
	cfg.Data.Dir = t.TempDir()
	begin := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	end := begin.Add(3 * time.Second)
	call := earshot.Call{
		ID: "call-1", State: earshot.CallSettled, StartedAt: begin, EndedAt: &end, RecordingReady: true,
		Streams: []earshot.Stream{{ID: "s1"}, {ID: "s2", Channel: 1}},
	}
	wav, opus := app.RecordingFile(cfg, call.ID), app.OpusFile(cfg, call.ID)
	if err := os.Mkdir(filepath.Dir(wav), 0o700); err != nil {
		t.Fatal(err)
	}
	info, err := app.RenderCall(t.Context(), cfg, call, wav)
	if err != nil {
		t.Fatal(err)
	}
	made, err := app.MakeOpus(t.Context(), cfg, call.ID, opus)
	if err != nil {
		t.Fatal(err)
	}
	call.Recording = &earshot.Recording{SHA256: info.SHA256, Bytes: info.Bytes, Rate: 8000, Channels: 2, Opus: &made}
	change(&call)
	store, err := sqlite.Open(t.Context(), app.Database(cfg), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Apply(t.Context(), earshot.Commit{Calls: []earshot.Call{call}}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func verify(t *testing.T, cfg config.Config, cmd verifyCmd) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := cmd.Run(&env{ctx: t.Context(), stdout: &out, stderr: &out, load: func() (config.Config, error) { return cfg, nil }})
	return out.String(), err
}

func TestVerifyFindsAndRepairsDamage(t *testing.T) {
	cfg := recordedCall(t, func(*earshot.Call) {})
	if out, err := verify(t, cfg, verifyCmd{All: true}); err != nil || !strings.HasPrefix(out, "call-1  ok  sha256 ") {
		t.Fatalf("%q %v", out, err)
	}
	wav, opus := app.RecordingFile(cfg, "call-1"), app.OpusFile(cfg, "call-1")
	file, err := os.ReadFile(wav)
	if err != nil {
		t.Fatal(err)
	}
	file[1000] ^= 1
	if err := os.WriteFile(wav, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(opus); err != nil {
		t.Fatal(err)
	}
	out, err := verify(t, cfg, verifyCmd{Call: "call-1"})
	if err == nil || !strings.Contains(err.Error(), "--repair") || strings.Count(out, "BAD") != 2 {
		t.Errorf("%q %v", out, err)
	}
	if out, err = verify(t, cfg, verifyCmd{Call: "last", Repair: true}); err != nil || strings.Count(out, "repaired") != 2 {
		t.Errorf("%q %v", out, err)
	}
	if out, err = verify(t, cfg, verifyCmd{All: true}); err != nil || strings.Contains(out, "BAD") {
		t.Errorf("%q %v", out, err)
	}
}

func TestVerifyMissesPacketsAndOtherAudio(t *testing.T) {
	cfg := recordedCall(t, func(c *earshot.Call) {
		c.Streams[0].PacketsReceived = 5
		c.Recording.SHA256 = strings.Repeat("0", 64)
	})
	out, err := verify(t, cfg, verifyCmd{All: true, Repair: true})
	if err == nil || !strings.Contains(out, "packets of stream s1") || !strings.Contains(out, "kept as") {
		t.Errorf("%q %v", out, err)
	}
	if _, err := verify(t, cfg, verifyCmd{}); err == nil {
		t.Error("neither a call nor all")
	}
}
