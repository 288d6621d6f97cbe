// Package app joins the parts of the server: it builds each from the
// configuration, hands it what it needs, starts all in order and stops them
// in the opposite one. It is the only place where the packages meet.
package app
