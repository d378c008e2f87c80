connector "paper" {
}
connector "paper" "sim" "extra" {
}
connector "papr" "sim" {
}
connector "kraken" "bf" {
  api_key = env("BINANCE_API_KEY")
  secret  = "do-not-show-me"
}
connector "paper" "ok" {
}
strategy {
}
strategy "bad name" {
  plugin = "../gridtrading"
  instrument "BTCUSDT" {
  }
  instrument "ok" "BTC USDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
}
