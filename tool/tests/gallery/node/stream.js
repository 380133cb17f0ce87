// Answers with a file by a stream: stream.js FILE. Prints its port.
const fs = require('fs');
const http = require('http');

const server = http.createServer((request, response) => {
  response.setHeader('Content-Length', fs.statSync(process.argv[2]).size);
  fs.createReadStream(process.argv[2]).pipe(response);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
