package e2e

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"earshot"
	"earshot/media"
	"earshot/siprec"
)

// How the cost of media is measured: what the server uses of the processors in
// a window of time in which nothing but packets comes.
const (
	callWindow = 60 * time.Second
	bareWindow = 15 * time.Second
	warmUp     = 3 * time.Second
	senderPort = 9000
)

// cost is what a number of calls costs.
type cost struct {
	calls         int
	server, bare  float64 // CPU seconds per call-minute
	memory        float64 // kB per call
	sent, onDisk  int
	lost, dropped float64
}

// BenchmarkMediaCost receives and records calls of two PCMU streams of 50
// packets a second, 100, 500 and 1,000 of them at a time, transcription off,
// and reads the same packets with the bare loop of tools/benchmedia. It prints
// the table of docs/performance.md and fails if one packet is not on disk.
func BenchmarkMediaCost(b *testing.B) {
	loop, send := compile(b, "bareloop"), compile(b, "rtpsend")
	for b.Loop() {
		var costs []cost
		for _, calls := range []int{100, 500, 1000} {
			c := measureCalls(b, send, calls)
			c.bare = measureBare(b, loop, send, calls)
			b.ReportMetric(c.server, fmt.Sprintf("cpu-s/call-min-%d", calls))
			b.ReportMetric(c.server/c.bare, fmt.Sprintf("x-bare-%d", calls))
			costs = append(costs, c)
		}
		printCosts(costs)
	}
}

// compile builds a program of tools/benchmedia.
func compile(b *testing.B, name string) string {
	b.Helper()
	out := filepath.Join(b.TempDir(), name)
	if text, err := exec.Command("gcc", "-O2", "-o", out, "../tools/benchmedia/"+name+".c").CombinedOutput(); err != nil {
		b.Fatalf("compile %s: %v\n%s", name, err, text)
	}
	return out
}

func printCosts(costs []cost) {
	fmt.Println("\n| calls | packets/s | Earshot, CPU-s per call-minute | bare loop | ratio | memory per call | sent | on disk | lost | dropped |")
	fmt.Println("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, c := range costs {
		fmt.Printf("| %d | %d | %.4f | %.4f | %.2f | %.0f kB | %d | %d | %.0f | %.0f |\n",
			c.calls, 100*c.calls, c.server, c.bare, c.server/c.bare, c.memory, c.sent, c.onDisk, c.lost, c.dropped)
	}
}

// measureCalls sets up the calls by SIP, sends, and looks at the server.
func measureCalls(b *testing.B, send string, calls int) cost {
	b.Helper()
	s := newServer(b, "EARSHOT_TRANSCRIBE_ENGINE=none", rtpPorts(freePortRange(b, 4*calls+20), 4*calls+20))
	before := resident(b, s.cmd.Process.Pid)
	ports := placeCalls(b, s, calls)
	done := make(chan int, 1)
	go func() { done <- runSender(b, send, ports, warmUp+callWindow+time.Second) }()
	c := cost{calls: calls}
	c.server = cpuPerCallMinute(b, s.cmd.Process.Pid, calls, callWindow)
	c.memory = (resident(b, s.cmd.Process.Pid) - before) / 1000 / float64(calls)
	c.sent = <-done
	wait(b, 20*time.Second, "every packet sent to be received", func() bool {
		return int(s.metric(b, "earshot_media_packets_received_total")) >= c.sent
	})
	c.lost = s.metric(b, "earshot_media_packets_lost_total")
	c.dropped = s.metric(b, "earshot_media_packets_dropped_total")
	if c.lost+c.dropped != 0 {
		b.Errorf("%d calls: %.0f packets are lost, %.0f dropped", calls, c.lost, c.dropped)
	}
	c.onDisk = countOnDisk(b, s, c.sent)
	s.kill() // what follows a call is not what is measured
	return c
}

// placeCalls sets up the calls, a hundred a second, and returns the ports of
// all their streams.
func placeCalls(b *testing.B, s *server, calls int) []int {
	b.Helper()
	client, err := siprec.NewClient(siprec.ClientConfig{Transport: "udp"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = client.Close() })
	var ports []int
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	for range calls {
		<-pace.C
		session, err := client.Call(b.Context(), siprec.CallSpec{
			To: "sip:" + s.sip, Metadata: twoParties(),
			Media: []siprec.ClientMedia{
				{Label: "1", Port: senderPort, Formats: []earshot.Format{pcmu}},
				{Label: "2", Port: senderPort, Formats: []earshot.Format{pcmu}},
			},
		})
		if err != nil {
			b.Fatal(err)
		}
		for _, m := range session.Answer() {
			ports = append(ports, m.Port)
		}
	}
	return ports
}

// twoParties describes a call of two participants with a stream each.
func twoParties() earshot.Metadata {
	group, session, now := earshot.NewID(), earshot.NewID(), time.Now()
	md := earshot.Metadata{
		Groups:   []earshot.MetaGroup{{ID: group, Associate: now}},
		Sessions: []earshot.MetaSession{{ID: session, GroupID: group, Start: now}},
	}
	for i, name := range []string{"Ellen Marsh", "Victor Lind"} {
		stream, party := earshot.NewID(), earshot.NewID()
		md.Streams = append(md.Streams, earshot.MetaStream{ID: stream, SessionID: session, Label: strconv.Itoa(i + 1)})
		md.Participants = append(md.Participants, earshot.MetaParticipant{
			ID: party, Names: []string{name}, AORs: []string{fmt.Sprintf("sip:%d@example.com", i)},
		})
		md.SessionParticipants = append(md.SessionParticipants, earshot.MetaSessionParticipant{
			ParticipantID: party, SessionID: session, Associate: now,
		})
		md.ParticipantStreams = append(md.ParticipantStreams, earshot.MetaParticipantStream{ParticipantID: party, Send: []string{stream}})
	}
	return md
}

// countOnDisk counts the packets in the recording masters, once all are there.
func countOnDisk(b *testing.B, s *server, sent int) int {
	b.Helper()
	engine, err := media.New(media.Config{Dir: filepath.Join(s.dir, "master")}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close()
	count := 0
	wait(b, 30*time.Second, "every packet to be on disk", func() bool {
		count = 0
		files, err := filepath.Glob(filepath.Join(s.dir, "master", "*", "*.rtplog"))
		if err != nil {
			b.Fatal(err)
		}
		for _, file := range files {
			stream, _, _ := strings.Cut(filepath.Base(file), ".")
			rec, err := engine.Recorded(earshot.CallID(filepath.Base(filepath.Dir(file))), earshot.StreamID(stream))
			if err != nil {
				b.Fatal(err)
			}
			count += int(rec.Recorded())
		}
		return count >= sent
	})
	if count != sent {
		b.Errorf("%d packets were sent, %d are on disk", sent, count)
	}
	return count
}

// measureBare reads the packets of as many calls with the bare loop.
func measureBare(b *testing.B, loop, send string, calls int) float64 {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), loop, strconv.Itoa(2*calls))
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewReader(out)
	var ports []int
	for range 2 * calls {
		ports = append(ports, readNumber(b, lines))
	}
	if _, err := lines.ReadString('\n'); err != nil {
		b.Fatal(err)
	}
	done := make(chan int, 1)
	go func() { done <- runSender(b, send, ports, warmUp+bareWindow+time.Second) }()
	used := cpuPerCallMinute(b, cmd.Process.Pid, calls, bareWindow)
	sent := <-done
	<-time.After(100 * time.Millisecond) // ten ticks: what is in the sockets is read
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	if got := readNumber(b, lines); got < sent { // more: a stray one of somebody else
		b.Errorf("the bare loop read %d packets of %d", got, sent)
	}
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	return used
}

func readNumber(b *testing.B, r *bufio.Reader) int {
	b.Helper()
	line, err := r.ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// runSender sends for so long and returns how many packets went out.
func runSender(b *testing.B, send string, ports []int, length time.Duration) int {
	var list strings.Builder
	for _, p := range ports {
		fmt.Fprintln(&list, p)
	}
	cmd := exec.CommandContext(b.Context(), send, strconv.Itoa(senderPort), strconv.Itoa(int(length.Seconds())))
	cmd.Stdin, cmd.Stderr = strings.NewReader(list.String()), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Errorf("rtpsend: %v", err)
		return 0
	}
	return readNumber(b, bufio.NewReader(strings.NewReader(string(out))))
}

// cpuPerCallMinute returns what the process uses in a window that begins after
// the warm-up.
func cpuPerCallMinute(b *testing.B, pid, calls int, window time.Duration) float64 {
	b.Helper()
	<-time.After(warmUp)
	began, before := time.Now(), cpuSeconds(b, pid)
	<-time.After(window)
	return (cpuSeconds(b, pid) - before) / (float64(calls) * time.Since(began).Minutes())
}

// cpuSeconds returns the user and system time of all threads of a process.
func cpuSeconds(b *testing.B, pid int) float64 {
	b.Helper()
	_, rest, _ := strings.Cut(readProc(b, pid, "stat"), ") ")
	fields := strings.Fields(rest)
	ticks := 0
	for _, f := range fields[11:13] { // utime, stime of proc(5), in 1/100 s
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return float64(ticks) / 100
}

// resident returns the octets of memory that a process has.
func resident(b *testing.B, pid int) float64 {
	b.Helper()
	pages, err := strconv.Atoi(strings.Fields(readProc(b, pid, "statm"))[1])
	if err != nil {
		b.Fatal(err)
	}
	return float64(pages * os.Getpagesize())
}

func readProc(b *testing.B, pid int, file string) string {
	b.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(f)
	if err != nil {
		b.Fatal(err)
	}
	return string(raw)
}
