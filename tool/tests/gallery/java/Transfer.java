import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/** Sends a file to each client in one of the ways that Java programs take. Prints its port. */
public class Transfer {
    public static void main(String[] arguments) throws IOException {
        String mode = arguments[0];
        Path path = Path.of(arguments[1]);
        ServerSocketChannel server = ServerSocketChannel.open();
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        System.out.println(((InetSocketAddress) server.getLocalAddress()).getPort());
        while (true) {
            try (SocketChannel client = server.accept()) {
                switch (mode) {
                    case "socket" -> transfer(path, client);
                    case "wrapped" -> transfer(path, new CountingChannel(client));
                    case "stream" -> copy(path, client);
                    default -> throw new IllegalArgumentException(mode);
                }
            }
        }
    }

    private static void transfer(Path path, WritableByteChannel to) throws IOException {
        try (FileChannel from = FileChannel.open(path)) {
            long size = from.size();
            for (long done = 0; done < size; ) {
                done += from.transferTo(done, size - done, to);
            }
        }
    }

    private static void copy(Path path, SocketChannel to) throws IOException {
        try (InputStream from = Files.newInputStream(path)) {
            OutputStream stream = Channels.newOutputStream(to);
            from.transferTo(stream);
        }
    }

    /** Counts what is written, and hides the socket. */
    private static final class CountingChannel implements WritableByteChannel {
        private final WritableByteChannel channel;
        private long count;

        CountingChannel(WritableByteChannel channel) {
            this.channel = channel;
        }

        @Override
        public int write(ByteBuffer from) throws IOException {
            int written = channel.write(from);
            count += written;
            return written;
        }

        @Override
        public boolean isOpen() {
            return channel.isOpen();
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
