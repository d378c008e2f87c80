module github.com/hftrunner/hftrunner/internal/testexchange/thirdparty

go 1.26.0

require (
	github.com/adshao/go-binance/v2 v2.8.7
	github.com/bybit-exchange/bybit.go.api v0.0.0-20250727214011-c9347d6804d6
	github.com/gorilla/websocket v1.5.3
	github.com/hftrunner/hftrunner v0.0.0
	github.com/hirokisan/bybit/v2 v2.36.0
)

require (
	github.com/bitly/go-simplejson v0.5.1 // indirect
	github.com/coder/websocket v1.8.15 // indirect
	github.com/fatih/color v1.13.0 // indirect
	github.com/google/go-querystring v1.1.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/hashicorp/go-hclog v1.6.3 // indirect
	github.com/jpillora/backoff v1.0.0 // indirect
	github.com/json-iterator/go v1.1.12 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/mattn/go-colorable v0.1.12 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/modern-go/concurrent v0.0.0-20180306012644-bacd9c7ef1dd // indirect
	github.com/modern-go/reflect2 v1.0.2 // indirect
	github.com/shopspring/decimal v1.4.0 // indirect
	github.com/tidwall/btree v1.8.2 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/hftrunner/hftrunner => ../../..
