import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.DefaultFileRegion;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.stream.ChunkedNioFile;
import io.netty.handler.stream.ChunkedWriteHandler;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/** Sends a file to each client by Netty, as a region or in chunks. Prints its port. */
public class Chunks {
    public static void main(String[] arguments) throws InterruptedException {
        boolean inChunks = arguments[0].equals("chunks");
        File file = new File(arguments[1]);
        ServerBootstrap server = new ServerBootstrap();
        server.group(new NioEventLoopGroup(1)).channel(NioServerSocketChannel.class);
        server.childHandler(new ChannelInitializer<SocketChannel>() {
            @Override
            protected void initChannel(SocketChannel channel) {
                channel.pipeline().addLast(new ChunkedWriteHandler(), new Sender(file, inChunks));
            }
        });
        Channel channel = server.bind(InetAddress.getLoopbackAddress(), 0).sync().channel();
        System.out.println(((InetSocketAddress) channel.localAddress()).getPort());
        channel.closeFuture().sync();
    }

    /** Sends the file to who connects. */
    private static final class Sender extends ChannelInboundHandlerAdapter {
        private final File file;
        private final boolean inChunks;

        Sender(File file, boolean inChunks) {
            this.file = file;
            this.inChunks = inChunks;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) throws IOException {
            Object message =
                    inChunks
                            ? new ChunkedNioFile(file)
                            : new DefaultFileRegion(file, 0, file.length());
            context.writeAndFlush(message).addListener(ChannelFutureListener.CLOSE);
        }
    }
}
