package redisstore

import "syscall"

// childAttr puts the child into a process group of its own, so that Ctrl-C in
// a terminal reaches viop only, which stops the child when it has written
// everything; and has the kernel kill it when viop is killed: everything it
// acknowledged is on disk. The kernel goes by the thread that started the
// child, see (*child).run.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
