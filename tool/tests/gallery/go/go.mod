module gallery

go 1.22
