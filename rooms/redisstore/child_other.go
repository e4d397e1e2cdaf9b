//go:build !linux

package redisstore

import "syscall"

// childAttr puts the child into a process group of its own, so that Ctrl-C in
// a terminal reaches viop only. Nothing ends the child when viop is killed;
// the next start finds it by its socket and stops it.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
