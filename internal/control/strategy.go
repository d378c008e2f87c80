package control

import (
	"context"
	"encoding/json"

	"github.com/hftrunner/hftrunner/internal/settings"
	"github.com/hftrunner/hftrunner/ipc"
)

// APIVersion is the version of the strategy API that this build speaks; host and plugin negotiate it in the handshake.
const APIVersion = 1

// Strategy is a strategy process as the host sees it. The plugin side implements it, the client end of a started
// plugin is one too. When the process is gone every method returns an error that errors.Is ErrPluginExited.
type Strategy interface {
	// Describe returns what the plugin is. It may be called at any time.
	Describe(ctx context.Context) (Description, error)
	// Configure makes the strategy of its parameters and attaches the shared memory. Wrong parameters are ParamErrors.
	Configure(ctx context.Context, c Configuration) error
	// Start restores state, if there is any, and starts Run. It returns before Run does.
	Start(ctx context.Context, state []byte) error
	// Wait returns when Run has returned; the error text is empty when it returned nil.
	Wait(ctx context.Context) (Exit, error)
	// Stop makes Run return, waits for it and returns the strategy's saved state, nil if it saves none.
	Stop(ctx context.Context) (state []byte, err error)
	// Suspend makes Run return, waits for it and returns the strategy's saved state, while the process stays as it is:
	// it may be ended then, or Resume calls Run again, also after an error. The error is ErrUnsupported for a plugin
	// built before there was this.
	Suspend(ctx context.Context) (state []byte, err error)
	Resume(ctx context.Context) error
}

// MaxState is the maximum size in bytes of a saved state.
const MaxState = messageLimit - 1<<10

// Description describes a plugin.
type Description struct {
	Name    string  `json:"name"`
	Version string  `json:"version"`
	Doc     string  `json:"doc"`
	Params  []Param `json:"params"`
}

// Param describes one parameter of a plugin.
type Param = settings.Setting

// ParamDuration is the type of a parameter whose bounds are in seconds.
const ParamDuration = settings.Duration

// Configuration is the configuration of a strategy process.
type Configuration struct {
	// StrategyName is the name of the strategy block.
	StrategyName string
	// Params are the parameters as a JSON object; a duration is a string. What is left out has its default.
	Params json.RawMessage
	// Attachment is the shared memory.
	Attachment ipc.Attachment
	// Books says per instrument of the attachment which book the bot keeps.
	Books []Book
}

// Book is the book and trade buffer that a bot keeps of one instrument.
type Book struct {
	// Depth is the kind of book: window, hashmap, btree or roi.
	Depth string
	// ROILow and ROIHigh are the price range of a roi book.
	ROILow, ROIHigh float64
	// LastTrades is the capacity of the last trades, 0 for none.
	LastTrades int
}

// ParamError describes what is wrong with one parameter.
type ParamError struct {
	Name, Problem string
}

// ParamErrors is the error of a refused configuration.
type ParamErrors []ParamError

// Exit describes how a strategy's Run ended.
type Exit struct {
	// Error is the text of the error that Run returned or of its panic, empty when it returned nil.
	Error string
	// EndOfData is true if Run returned after the recorded data had ended.
	EndOfData bool
}
