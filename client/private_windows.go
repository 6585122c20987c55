package main

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"unsafe"
)

// exposed has nothing to find: the folder of a user's configuration is that user's by the rules of the profile.
func exposed(fs.FileInfo) string { return "" }

var lockFileEx = syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")

const (
	failImmediately = 1
	exclusive       = 2
	lockViolation   = syscall.Errno(33)
)

// tryLock takes the lock on a file if nobody has it.
func tryLock(file *os.File) (bool, error) {
	done, _, err := lockFileEx.Call(file.Fd(), failImmediately|exclusive, 0, 1, 0, uintptr(unsafe.Pointer(new(syscall.Overlapped))))
	if done != 0 {
		return true, nil
	}
	if errors.Is(err, lockViolation) || errors.Is(err, syscall.ERROR_IO_PENDING) {
		return false, nil
	}
	return false, err
}
