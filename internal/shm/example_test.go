package shm_test

import (
	"fmt"
	"os"
	"syscall"

	"github.com/hftrunner/hftrunner/internal/shm"
)

// Example publishes to a reader with a mapping of its own. Another process gets the descriptor with
// exec.Cmd.ExtraFiles instead of by dup.
func Example() {
	const capacity = 1024
	host, err := shm.Create("feed", shm.BroadcastSize(capacity))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer host.Close()
	if err := host.SealFutureWrites(); err != nil {
		fmt.Println(err)
		return
	}
	fd, err := syscall.Dup(int(host.File().Fd()))
	if err != nil {
		fmt.Println(err)
		return
	}
	plugin, err := shm.Open(fd, true)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer plugin.Close()

	writer := shm.NewBroadcastWriter(host, 0, capacity)
	reader := shm.NewBroadcastReader(plugin, 0, capacity)
	for px := range uint64(3) {
		writer.Put(&shm.FeedRecord{Lo: 7, W: [6]uint64{100 + px}})
	}
	writer.Commit()

	var rec shm.FeedRecord
	for reader.Next(&rec) == shm.ReadOK {
		fmt.Println(reader.Cursor(), rec.Lo, rec.W[0])
	}
	// Output:
	// 1 7 100
	// 2 7 101
	// 3 7 102
}

// ExampleProducer shows a full queue, and the room the consumer makes.
func ExampleProducer() {
	const capacity, slotWords = 2, 8
	segment, err := shm.Create("private", shm.QueueSize(capacity, slotWords))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer segment.Close()
	producer := shm.NewProducer(segment, 0, capacity, slotWords)
	consumer := shm.NewConsumer(segment, 0, capacity, slotWords)

	for order := range uint64(3) {
		fmt.Println(producer.Put([]uint64{order, 42}) == shm.PutOK)
	}
	var words [2]uint64
	for consumer.Next(words[:]) {
		fmt.Println(words)
	}
	fmt.Println(producer.Free())
	// Output:
	// true
	// true
	// false
	// [0 42]
	// [1 42]
	// 2
}
