package record

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestRenderOnAFullDisk needs to be root, for a small file system.
func TestRenderOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Fatalf("mount a small file system (needs root): %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	fill := filepath.Join(dir, "fill")
	if err := os.WriteFile(fill, make([]byte, 160<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	path, tracks := filepath.Join(dir, "call.wav"), []Track{{track{rate: 8000, pcm: level(5, 80_000)}, 0}}
	if _, err := Render(t.Context(), path, tracks, RenderOptions{}); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("error %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("left: %v", files)
	}
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	info, err := Render(t.Context(), path, tracks, RenderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// What is left does not take the waveform, and the file stays as it is.
	if err := os.WriteFile(fill, make([]byte, 200<<10), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	if err := WritePeaks(filepath.Join(dir, "call.peaks.json"), info.Peaks); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("error %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("left: %v", files)
	}
	if got, err := os.Stat(path); err != nil || got.Size() != info.Bytes {
		t.Errorf("the recording: %v", err)
	}
}
