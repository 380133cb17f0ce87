module fileserver

go 1.21
