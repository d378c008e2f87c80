module example.com/runner

go 1.26.0

require github.com/hftrunner/hftrunner v0.0.0

replace github.com/hftrunner/hftrunner => ../../..
