package dev.tenon.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HttpListenerTest {
    @TempDir
    private Path directory;

    private static HttpListener listener(Path path) throws IOException {
        return new HttpListener(new WebAddress.Unix(path), request -> Response.text(Response.OK, "ok"));
    }

    /** To take its place would cut off whoever reads or writes there. */
    @Test
    void whatIsNoSocketIsLeftWhereItIs() throws IOException, InterruptedException {
        Path pipe = directory.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString())
                        .inheritIO()
                        .start()
                        .waitFor())
                .isZero();
        Path file = Files.writeString(directory.resolve("file"), "x");
        Object before = Files.getAttribute(pipe, "unix:ino");

        for (Path path : new Path[] {pipe, file, directory}) {
            assertThatThrownBy(() -> listener(path))
                    .isInstanceOf(IOException.class)
                    .hasMessage("the page cannot listen at 'unix:" + path + "' (--web): there is something that is no"
                            + " socket, or that somebody listens at");
        }

        assertThat(Files.getAttribute(pipe, "unix:ino")).isEqualTo(before);
        assertThat(file).hasContent("x");
    }

    /** What a daemon left that was killed. */
    @Test
    void aSocketThatNobodyListensAtIsReplaced() throws IOException {
        Path path = directory.resolve("web.sock");
        try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            dead.bind(UnixDomainSocketAddress.of(path));
        }
        Object before = Files.getAttribute(path, "unix:ino");

        try (HttpListener listener = listener(path)) {
            assertThat(listener.address()).isEqualTo(new WebAddress.Unix(path));
            assertThat(Files.getAttribute(path, "unix:ino")).isNotEqualTo(before);
        }

        assertThat(path).doesNotExist();
    }
}
