package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// steady is how long packets are sent to the calls of one measurement.
const steady = 40 * time.Second

// used is what one measurement costs.
type used struct {
	calls       int
	sent, taken int
	// bare and server are CPU seconds while packets flow, rendering those after
	// it until the files are there; memory is what the calls add, in octets.
	bare, server, rendering float64
	memory                  float64
	tardy                   int // ticks of the sender that came late
}

// BenchmarkMedia compares what receiving and recording calls of two PCMU
// streams costs with the least that can be done with the same packets: a loop
// in C that only reads them (testdata/bareloop). It prints a table in Markdown.
func BenchmarkMedia(b *testing.B) {
	bare, send := compileC(b, "bareloop"), compileC(b, "send")
	for b.Loop() {
		var rows []used
		for _, calls := range []int{100, 500, 1000} {
			row := used{calls: calls}
			row.bare = runBare(b, bare, send, calls)
			measureServer(b, send, &row)
			rows = append(rows, row)
		}
		report(b, rows)
	}
}

func report(b *testing.B, rows []used) {
	b.Helper()
	var out strings.Builder
	out.WriteString("| calls | bare loop | Earshot | ratio | with rendering | memory per call | packets lost | sender late |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		minutes := float64(r.calls) * steady.Minutes()
		fmt.Fprintf(&out, "| %d | %.4f | %.4f | %.2f | %.4f | %.0f kB | %d of %d | %.1f %% |\n", r.calls, r.bare/minutes, r.server/minutes,
			r.server/r.bare, (r.server+r.rendering)/minutes, r.memory/float64(r.calls)/1000, r.sent-r.taken, r.sent,
			100*float64(r.tardy)/steady.Seconds()/1000)
		b.ReportMetric(r.server/minutes, fmt.Sprintf("cpu-s/min-at-%d", r.calls))
	}
	b.Logf("CPU seconds per minute of a call:\n\n%s", out.String())
}

// compileC compiles a program of testdata/bareloop.
func compileC(b *testing.B, name string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), name)
	out, err := exec.Command("gcc", "-O2", "-o", path, "testdata/bareloop/"+name+".c").CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return path
}

// sendTo sends to the ports for as long as a measurement takes.
func sendTo(b *testing.B, program string, ports []int) (sent, tardy int) {
	b.Helper()
	cmd := exec.Command(program, strconv.Itoa(int(steady.Seconds())))
	cmd.Stdin = strings.NewReader(strings.Trim(fmt.Sprint(ports), "[]") + "\n")
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	if _, err := fmt.Fscan(bytes.NewReader(out), &sent, &tardy); err != nil {
		b.Fatal(err)
	}
	return sent, tardy
}

func runBare(b *testing.B, program, send string, calls int) float64 {
	b.Helper()
	first := freePortRange(b, 4*calls)
	cmd := exec.Command(program, strconv.Itoa(first), strconv.Itoa(2*calls), strconv.Itoa(int(steady.Seconds())))
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	r := bufio.NewReader(stdout)
	if line, err := r.ReadString('\n'); err != nil {
		b.Fatalf("%q, %v", line, err)
	}
	var ports []int
	for i := range 2 * calls {
		ports = append(ports, first+2*i)
	}
	sendTo(b, send, ports)
	rest, err := io.ReadAll(r)
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	var packets int
	var cpu float64
	if _, err := fmt.Fscan(bytes.NewReader(rest), &packets, &cpu); err != nil {
		b.Fatal(err)
	}
	return cpu
}

func measureServer(b *testing.B, send string, row *used) {
	b.Helper()
	n := 4*row.calls + 8
	s := newServer(b, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s", "EARSHOT_DATA_RESERVE_MB=100",
		rtpPorts(freePortRange(b, n), n))
	idle := s.metric(b, "process_resident_memory_bytes")
	var ports []int
	var clients []*src
	for range row.calls {
		c := newSRC(b, s)
		ports = append(ports, c.invite(b)...)
		clients = append(clients, c)
	}
	before := cpuOf(b, s.cmd.Process.Pid)
	row.sent, row.tardy = sendTo(b, send, ports)
	after := cpuOf(b, s.cmd.Process.Pid)
	row.server = after - before
	row.memory = s.metric(b, "process_resident_memory_bytes") - idle
	for _, c := range clients {
		c.bye(b)
		c.conn.Close()
	}
	wait(b, 5*time.Minute, "the calls to settle", func() bool { return s.metric(b, "earshot_calls_kept") == 0 })
	row.rendering = cpuOf(b, s.cmd.Process.Pid) - after
	row.taken = int(s.metric(b, "earshot_media_packets_received_total") - s.metric(b, "earshot_media_packets_dropped_total"))
	s.stop(b)
}

// cpuOf returns the seconds of CPU that a process has used (proc(5)).
func cpuOf(b *testing.B, pid int) float64 {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := bytes.Cut(raw, []byte(") "))
	fields := strings.Fields(string(rest))
	ticks := 0
	for _, f := range fields[11:13] { // utime and stime, in hundredths
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return float64(ticks) / 100
}
