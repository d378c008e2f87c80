strategy "a" {
  plugin = "gridtrading"
  instrument "sim" "BTCUSDT" {
