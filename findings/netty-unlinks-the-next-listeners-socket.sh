#!/usr/bin/env bash
# Netty 4.2.18 (epoll): closing a listening unix socket removes the file at its path, whoever made it. If a second listener
# has taken the path meanwhile (the file removed and bound anew, or renamed over it, as in an upgrade without a gap), the
# first one's close removes the newcomer's socket: it goes on listening and nobody can connect. The JDK's own
# ServerSocketChannel leaves the file alone.
#
# Seen with netty 4.2.18.Final on Linux:
#   second bound: path exists true
#   first closed: path exists false, second open true
#   JDK, the same: path exists true
# What helps: let the old listener end with its process, or give every listener a path of its own and rename a link.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
v=4.2.18.Final
for a in common buffer transport resolver transport-native-unix-common transport-classes-epoll transport-native-epoll:jar:linux-x86_64; do
    case $a in
        *:jar:*) artifact=io.netty:netty-${a%%:*}:$v:${a#*:} ;;
        *) artifact=io.netty:netty-$a:$v ;;
    esac
    mvn -B -q dependency:copy -Dartifact="$artifact" -DoutputDirectory="$work" >mvn.log 2>&1 || { cat mvn.log; exit 2; }
done
cat >Listeners.java <<'J'
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;

public class Listeners {
    public static void main(String[] args) throws Exception {
        Path path = Path.of("control.sock").toAbsolutePath();
        var group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        var bootstrap = new ServerBootstrap()
                .group(group)
                .channel(EpollServerDomainSocketChannel.class)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {}
                });
        Channel first = bootstrap.bind(new DomainSocketAddress(path.toFile())).sync().channel();
        Files.delete(path);
        Channel second = bootstrap.bind(new DomainSocketAddress(path.toFile())).sync().channel();
        System.out.println("second bound: path exists " + Files.exists(path));
        first.close().sync();
        System.out.println("first closed: path exists " + Files.exists(path) + ", second open " + second.isOpen());
        second.close().sync();
        group.shutdownGracefully(0, 0, java.util.concurrent.TimeUnit.SECONDS).sync();

        ServerSocketChannel one = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        one.bind(UnixDomainSocketAddress.of(path));
        Files.delete(path);
        ServerSocketChannel two = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        two.bind(UnixDomainSocketAddress.of(path));
        one.close();
        System.out.println("JDK, the same: path exists " + Files.exists(path));
        two.close();
    }
}
J
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
"$java" --enable-native-access=ALL-UNNAMED -cp '*' Listeners.java 2>java.log | tee seen || { cat java.log; exit 1; }
diff seen - <<'S' || { echo "the behaviour has changed"; exit 1; }
second bound: path exists true
first closed: path exists false, second open true
JDK, the same: path exists true
S
echo "as told: the first listener's close removed the second one's socket"
