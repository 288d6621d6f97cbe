// Package e2e tests the built program from outside: real processes, real SIP
// and RTP over loopback, real speech. It is only tests.
package e2e
