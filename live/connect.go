package live

import (
	"errors"

	"github.com/hftrunner/hftrunner/ipc"
)

// Attach sets how Dial and Connect attach: how the bot waits, what becomes of its orders when it ends.
func (b *LiveBotBuilder) Attach(config ipc.DialConfig) *LiveBotBuilder {
	b.dial = config
	return b
}

// Dial attaches this process to a running host by its attach socket, <state_dir>/attach.sock, and returns a channel of
// the builder's instruments under its id, for Build: ipc.Dial with what the builder knows. Whoever may interrupt the
// bot from another goroutine, on Ctrl-C say, keeps the channel for its Interrupt.
//
// Errors are those of ipc.Dial, and those of Build for what can be checked without the host.
func (b *LiveBotBuilder) Dial(socketPath string) (ipc.Channel, error) {
	instruments := make([]ipc.Instrument, len(b.instruments))
	for i := range b.instruments {
		instruments[i] = b.instruments[i].Instrument
	}
	if err := b.checkFor(instruments); err != nil {
		return nil, err
	}
	return ipc.Dial(socketPath, b.id, instruments, b.dial)
}

// Connect is Dial and Build in one. The bot owns the channel; nothing is left open when there is an error.
func (b *LiveBotBuilder) Connect(socketPath string) (LiveBot, error) {
	ch, err := b.Dial(socketPath)
	if err != nil {
		return nil, err
	}
	bot, err := b.Build(ch)
	if err != nil {
		return nil, errors.Join(err, ch.Close())
	}
	return bot, nil
}
