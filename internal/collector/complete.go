package collector

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// errForeign: the file is not what this package has written.
var errForeign = errors.New("the file cannot be appended to, because it was not written by this program and is corrupt: move it away")

// tailBytes is the part of a truncated member that is searched for the end of its last flush: more than one flush
// brings in.
const tailBytes = 8 << 20

// maxTries bounds how many places are tried that look like the end of a flush; by chance there is hardly ever one.
const maxTries = 16

// maxRescued bounds the memory for what is read of a member without a flush.
const maxRescued = 256 << 20

// counter counts what is read, byte by byte where the reader asks so: what it has given is what was used.
type counter struct {
	in *bufio.Reader
	n  int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *counter) ReadByte() (byte, error) {
	b, err := c.in.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

// complete makes a gzip file one that can be appended to, and leaves it positioned at its end: a last member that was
// cut off is cut back to its last flush and ended there, or, where there was none, to its last whole line. It reports
// whether there was something to do.
func complete(f *os.File) (repaired bool, err error) {
	begin, err := lastMember(f)
	if err != nil {
		return false, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || begin == size {
		return false, err
	}
	end, trailer, err := ending(f, begin, size)
	if err != nil {
		return false, err
	}
	if err := f.Truncate(end); err != nil {
		return false, err
	}
	if _, err := f.WriteAt(trailer, end); err != nil {
		return false, err
	}
	_, err = f.Seek(0, io.SeekEnd)
	return true, err
}

// lastMember returns where a member begins that is cut off, or the size of the file when all of them are whole.
func lastMember(f *os.File) (int64, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	c := &counter{in: bufio.NewReaderSize(f, 1<<20)}
	zip := new(gzip.Reader)
	for {
		begin := c.n
		if err := zip.Reset(c); err != nil {
			// Nothing more, or a header that was cut off.
			return begin, cut(err)
		}
		zip.Multistream(false)
		if _, err := io.Copy(io.Discard, zip); err != nil {
			return begin, cut(err)
		}
	}
}

// cut passes errors on that are not the end of what there is.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return fmt.Errorf("%w (%v)", errForeign, err)
}

// ending returns where a member that was cut off is to end, and with what.
func ending(f *os.File, begin, size int64) (end int64, trailer []byte, err error) {
	// A flush ends with an empty stored block, whose length is these bytes, at a byte boundary.
	flushed := []byte{0, 0, 0xff, 0xff}
	from := max(begin, size-tailBytes)
	tail := make([]byte, size-from)
	if _, err := f.ReadAt(tail, from); err != nil {
		return 0, nil, err
	}
	tried := 0
	for at := bytes.LastIndex(tail, flushed); at >= 0 &&
		tried < maxTries; at = bytes.LastIndex(tail[:at+len(flushed)-1], flushed) {
		tried++
		end := from + int64(at+len(flushed))
		if trailer, ok := finish(f, begin, end); ok {
			return end, trailer, nil
		}
	}
	trailer, err = rescued(f, begin, size)
	return begin, trailer, err
}

// lastBlock is an empty block that says that it is the last one.
var lastBlock = [...]byte{1, 0, 0, 0xff, 0xff}

// finish tries whether the member from begin to end is whole with a last block behind it, and returns that with the
// member's checksum and length.
func finish(f *os.File, begin, end int64) (trailer []byte, ok bool) {
	c := &counter{in: bufio.NewReader(io.NewSectionReader(f, begin, end-begin))}
	if _, err := gzip.NewReader(c); err != nil {
		return nil, false
	}
	sum := crc32.NewIEEE()
	member := flate.NewReader(bufio.NewReader(io.MultiReader(c, bytes.NewReader(lastBlock[:]))))
	n, err := io.Copy(sum, member)
	if err != nil || n == 0 {
		return nil, false
	}
	trailer = append(trailer, lastBlock[:]...)
	trailer = binary.LittleEndian.AppendUint32(trailer, sum.Sum32())
	return binary.LittleEndian.AppendUint32(trailer, uint32(n)), true
}

// rescued returns a whole member with the lines that can be read of one that was cut off without a flush; nil when
// there is none.
func rescued(f *os.File, begin, size int64) ([]byte, error) {
	if size-begin > tailBytes {
		return nil, errForeign // no file written here is that long without a flush
	}
	zip, err := gzip.NewReader(bufio.NewReader(io.NewSectionReader(f, begin, size-begin)))
	if err != nil {
		return nil, nil // not even a header
	}
	var text, member bytes.Buffer
	_, _ = io.Copy(&text, io.LimitReader(zip, maxRescued)) // its end is missing
	lines := text.Bytes()[:bytes.LastIndexByte(text.Bytes(), '\n')+1]
	if len(lines) == 0 {
		return nil, nil
	}
	out := gzip.NewWriter(&member)
	_, err = out.Write(lines)
	if err = errors.Join(err, out.Close()); err != nil {
		return nil, err
	}
	return member.Bytes(), nil
}
