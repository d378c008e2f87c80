package npy

import "unsafe"

// bytesOf returns the memory of rows as bytes. checkRow has made sure that T has no pointers and no gaps, so that any
// bytes are valid values.
func bytesOf[T any](rows []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(rows))), len(rows)*int(unsafe.Sizeof(*new(T))))
}
