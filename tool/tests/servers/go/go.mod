module copytax/testserver

go 1.22
