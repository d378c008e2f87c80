package depth_test

import (
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
)

func newHashMap(mode depth.Mode) depth.Book {
	return depth.NewHashMapMarketDepth(depthtest.TickSize, depthtest.LotSize, mode)
}

func newWindow(mode depth.Mode) depth.Book {
	return depth.NewWindowMarketDepth(depthtest.TickSize, depthtest.LotSize, mode)
}

func newBTree(mode depth.Mode) depth.Book {
	return depth.NewBTreeMarketDepth(depthtest.TickSize, depthtest.LotSize, mode)
}

func newROI(mode depth.Mode) depth.Book {
	book, err := depth.NewROIVectorMarketDepth(depthtest.TickSize, depthtest.LotSize, depthtest.ROILow,
		depthtest.ROIHigh, mode)
	if err != nil {
		panic(err) // the range is a valid constant
	}
	return book
}

func TestHashMapConforms(t *testing.T) { depthtest.Run(t, depthtest.HashMapRules, newHashMap) }
func TestWindowConforms(t *testing.T)  { depthtest.Run(t, depthtest.HashMapRules, newWindow) }
func TestBTreeConforms(t *testing.T)   { depthtest.Run(t, depthtest.BTreeRules, newBTree) }
func TestROIConforms(t *testing.T)     { depthtest.Run(t, depthtest.ROIRules, newROI) }

func FuzzHashMap(f *testing.F) { fuzzBook(f, depthtest.HashMapRules, newHashMap) }
func FuzzWindow(f *testing.F)  { fuzzBook(f, depthtest.HashMapRules, newWindow) }
func FuzzBTree(f *testing.F)   { fuzzBook(f, depthtest.BTreeRules, newBTree) }
func FuzzROI(f *testing.F)     { fuzzBook(f, depthtest.ROIRules, newROI) }

// fuzzBook holds a book, in both modes, against the naive one.
func fuzzBook(f *testing.F, rules depthtest.Rules, newBook func(depth.Mode) depth.Book) {
	f.Add([]byte("\x00\x33\x00\x01\x01\x44\x00\x20\x20\x55\xff\xff\x22\x00\x80\x00\x00\x77\x00\x02\x26\x00\x00\x02"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, mode := range []depth.Mode{depth.Fixed, depth.Compat} {
			depthtest.Drive(t, newBook(mode), depthtest.NewNaive(rules, depthtest.TickSize, depthtest.LotSize, mode),
				data)
		}
	})
}
