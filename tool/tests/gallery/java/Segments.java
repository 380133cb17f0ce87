import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Map;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.network.CipherInformation;
import org.apache.kafka.common.network.ChannelMetadataRegistry;
import org.apache.kafka.common.network.ClientInformation;
import org.apache.kafka.common.network.ConnectionMode;
import org.apache.kafka.common.network.PlaintextTransportLayer;
import org.apache.kafka.common.network.SslTransportLayer;
import org.apache.kafka.common.network.TransportLayer;
import org.apache.kafka.common.record.FileRecords;
import org.apache.kafka.common.security.ssl.SslFactory;

/**
 * Answers a request of HTTP with a file, as Kafka's brokers send segments of a log: by its records and transport
 * layers, plain or encrypted with the certificate and the key beside the file. Prints its port.
 */
public class Segments {
    public static void main(String[] arguments) throws Exception {
        File file = new File(arguments[1]);
        SslFactory encryption = arguments[0].equals("encrypted") ? encryption(file.getParentFile()) : null;
        ServerSocketChannel server = ServerSocketChannel.open();
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        System.out.println(((InetSocketAddress) server.getLocalAddress()).getPort());
        while (true) {
            try (SocketChannel client = server.accept();
                    Selector selector = Selector.open()) {
                client.configureBlocking(false);
                SelectionKey key = client.register(selector, SelectionKey.OP_READ);
                answer(transport(key, encryption), selector, file);
            }
        }
    }

    private static SslFactory encryption(File folder) throws IOException {
        SslFactory factory = new SslFactory(ConnectionMode.SERVER);
        factory.configure(
                Map.of(
                        "ssl.keystore.type", "PEM",
                        "ssl.keystore.certificate.chain", text(folder, "certificate"),
                        "ssl.keystore.key", text(folder, "key"),
                        "ssl.protocol", "TLSv1.3",
                        "ssl.keymanager.algorithm", "SunX509",
                        "ssl.trustmanager.algorithm", "PKIX"));
        return factory;
    }

    private static Password text(File folder, String name)
            throws IOException {
        String text = Files.readString(folder.toPath().resolve(name));
        return new Password(text);
    }

    private static TransportLayer transport(SelectionKey key, SslFactory encryption) throws IOException {
        if (encryption == null) {
            return new PlaintextTransportLayer(key);
        }
        return SslTransportLayer.create(
                "client", key, encryption.createSslEngine("localhost", 0), new Registry());
    }

    private static void answer(TransportLayer transport, Selector selector, File file) throws IOException {
        while (!transport.ready()) {
            transport.handshake();
            if (!transport.ready()) {
                selector.select(100);
            }
        }
        ByteBuffer request = ByteBuffer.allocate(4096);
        while (!StandardCharsets.US_ASCII.decode(request.duplicate().flip()).toString().contains("\r\n\r\n")) {
            selector.select(100);
            if (transport.read(request) < 0) {
                return;
            }
        }
        String header = "HTTP/1.1 200 OK\r\nContent-Length: " + file.length() + "\r\n\r\n";
        ByteBuffer begin = ByteBuffer.wrap(header.getBytes(StandardCharsets.US_ASCII));
        while (begin.hasRemaining()) {
            transport.write(begin);
        }
        transport.addInterestOps(SelectionKey.OP_WRITE);
        try (FileRecords records = FileRecords.open(file, false)) {
            int size = records.sizeInBytes();
            for (int sent = 0; sent < size || transport.hasPendingWrites(); ) {
                selector.select(100);
                selector.selectedKeys().clear();
                sent += records.writeTo(transport, sent, size - sent);
            }
        }
        transport.close();
    }

    /** What is known of the client: nothing. */
    private static final class Registry implements ChannelMetadataRegistry {
        @Override
        public void registerCipherInformation(CipherInformation information) {}

        @Override
        public CipherInformation cipherInformation() {
            return null;
        }

        @Override
        public void registerClientInformation(ClientInformation information) {}

        @Override
        public ClientInformation clientInformation() {
            return null;
        }

        @Override
        public void close() {}
    }
}
