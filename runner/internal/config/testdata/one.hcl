connector "paper" "sim" {
}

strategy "grid-btc" {
  plugin = "gridtrading"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  params {
    order_qty = 0.01
  }
}
