package live

import (
	"errors"

	"github.com/hftrunner/hftrunner/ipc"
)

// Dial attaches this process to a running host by its attach socket, <state_dir>/attach.sock, and returns a channel of
// the builder's instruments under its id, for Build: ipc.Dial with what the builder knows. Whoever may interrupt the
// bot from another goroutine, on Ctrl-C say, keeps the channel for its Interrupt.
//
// Errors are those of ipc.Dial, and those of Build for what can be checked without the host.
func (b *LiveBotBuilder) Dial(socketPath string, options ...ipc.DialOption) (ipc.Channel, error) {
	instruments := make([]ipc.Instrument, len(b.instruments))
	for i := range b.instruments {
		instruments[i] = b.instruments[i].Instrument
	}
	if err := b.checkFor(instruments); err != nil {
		return nil, err
	}
	return ipc.Dial(socketPath, b.id, instruments, options...)
}

// Connect is Dial and Build in one. The bot owns the channel; nothing is left open when there is an error.
func (b *LiveBotBuilder) Connect(socketPath string, options ...ipc.DialOption) (*LiveBot, error) {
	ch, err := b.Dial(socketPath, options...)
	if err != nil {
		return nil, err
	}
	bot, err := b.Build(ch)
	if err != nil {
		return nil, errors.Join(err, ch.Close())
	}
	return bot, nil
}
