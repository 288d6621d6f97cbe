package main

import (
	"fmt"
	"net"
	"os"
	"time"
)

// systemdPatience is how much longer systemd is asked to wait for the end.
const systemdPatience = 30 * time.Second

// notifySystemd tells the service manager how the server is, where one asked
// for it (Type=notify; sd_notify(3)). Without one it does nothing.
func notifySystemd(state string) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"}) // @ is an abstract name
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state)) // who does not listen is told nothing
}

// extendSystemd asks for more time than TimeoutStopSec gives.
func extendSystemd() {
	notifySystemd(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", systemdPatience.Microseconds()))
}
