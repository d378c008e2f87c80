package recording

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
)

const (
	blockBytes = 256 << 10
	// numBlocks is one that is read from, one that is ready, one that is being filled.
	numBlocks = 3
)

// block is a run of whole lines of one file.
type block struct {
	// data are the lines; only a file's last line may lack its newline.
	data []byte
	// file is the file's number in the list.
	file int
	// tooLong says that instead of data there was one line above the bound, which was passed over.
	tooLong bool
	// last says that the file ends here, with err when it could not be read to its end.
	last bool
	err  error
	// failed says that the file could not be opened.
	failed bool
}

// readAhead reads files, one after the other, into blocks. run is its goroutine.
type readAhead struct {
	files   []string
	maxLine int
	// ready carries filled blocks and is closed after the last one; free carries them back.
	ready, free chan *block
	stop        <-chan struct{}

	// bytesRead counts the bytes of the files as they are stored.
	bytesRead atomic.Int64
	// tail is the start of a line whose end is not read yet.
	tail []byte
}

func newReadAhead(files []string, maxLine int, stop <-chan struct{}) *readAhead {
	r := &readAhead{files: files, maxLine: maxLine, stop: stop, ready: make(chan *block, numBlocks), free: make(chan *block, numBlocks)}
	for range numBlocks {
		r.free <- &block{data: make([]byte, 0, blockBytes)}
	}
	return r
}

// run reads everything, or ends soon after stop is closed.
func (r *readAhead) run() {
	defer close(r.ready)
	for n, name := range r.files {
		if !r.readFile(n, name) {
			return
		}
	}
}

// readFile returns false when the reading is over: by stop or because the file cannot be opened.
func (r *readAhead) readFile(n int, name string) bool {
	src, closeFile, err := r.open(name)
	if err == nil {
		defer closeFile()
	}
	r.tail = r.tail[:0]
	for {
		var b *block
		select {
		case <-r.stop:
			return false
		case b = <-r.free:
		}
		*b = block{data: b.data[:0], file: n}
		if err != nil {
			b.last, b.failed, b.err = true, true, err
		} else {
			r.fill(b, src)
		}
		last, failed := b.last, b.failed
		r.ready <- b // there is room for all blocks
		if last {
			return !failed
		}
	}
}

// fill reads until the block is full or the file ends.
func (r *readAhead) fill(b *block, src io.Reader) {
	data := append(b.data, r.tail...)
	r.tail = r.tail[:0]
	for {
		if len(data) == cap(data) {
			if end := bytes.LastIndexByte(data, '\n') + 1; end > 0 {
				r.tail = append(r.tail, data[end:]...)
				b.data = data[:end]
				return
			}
			if len(data) > r.maxLine {
				b.data = data[:0]
				r.skipLine(b, src)
				return
			}
			data = slices.Grow(data, len(data))
		}
		n, err := src.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err != nil {
			b.last = true
			if err != io.EOF {
				b.err = err
				// What follows the last newline is the part of a line.
				data = data[:bytes.LastIndexByte(data, '\n')+1]
			}
			b.data = data
			return
		}
	}
}

// skipLine reads to the end of a line that is too long. What follows it becomes the tail.
func (r *readAhead) skipLine(b *block, src io.Reader) {
	b.tooLong = true
	buf := b.data[:cap(b.data)]
	for {
		n, err := src.Read(buf)
		if end := bytes.IndexByte(buf[:n], '\n') + 1; end > 0 {
			r.tail = append(r.tail, buf[end:n]...)
			if err == nil || err == io.EOF {
				return // an end of the file is found again by the next read
			}
		}
		if err != nil {
			b.last = true
			if err != io.EOF {
				b.err = err
			}
			return
		}
	}
}

// open opens a plain or gzip file or a zip archive; which one is told by its first bytes.
func (r *readAhead) open(name string) (src io.Reader, closeFile func() error, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	if isZip(f) {
		archive, err := newZipReader(f, &r.bytesRead)
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
		}
		return archive, f.Close, nil
	}
	buffered := bufio.NewReaderSize(countingReader{f, &r.bytesRead}, 64<<10)
	if magic, _ := buffered.Peek(2); len(magic) < 2 || magic[0] != 0x1f || magic[1] != 0x8b {
		return buffered, f.Close, nil
	}
	unzipped, err := gzip.NewReader(buffered)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		// A file cut off within its header is a damaged recording like any other, found by the first read.
		return failingReader{err}, f.Close, nil
	}
	return unzipped, f.Close, nil
}

// failingReader is a recording that cannot be read at all.
type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// countingReader counts what it reads.
type countingReader struct {
	file  *os.File
	count *atomic.Int64
}

func (r countingReader) Read(b []byte) (int, error) {
	n, err := r.file.Read(b)
	r.count.Add(int64(n))
	return n, err
}
