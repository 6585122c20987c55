//go:build unix

package main

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// exposed says why others could read or replace what is kept; "" where they cannot.
func exposed(info fs.FileInfo) string {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		return "it belongs to another user"
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "other users may read or write it"
	}
	return ""
}

// tryLock takes the lock on a file if nobody has it.
func tryLock(file *os.File) (bool, error) {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	return err == nil, err
}
