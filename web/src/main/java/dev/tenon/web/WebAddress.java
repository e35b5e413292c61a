package dev.tenon.web;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;

/** Where the page is found. */
public sealed interface WebAddress {
    /** What the address of a Unix socket begins with. */
    String UNIX = "unix:";

    int MOST_PORT = 65_535;

    /** An address of this machine, and a port; 0 for any that is free. */
    record Tcp(InetAddress host, int port) implements WebAddress {
        InetSocketAddress socket() {
            return new InetSocketAddress(host, port);
        }

        /** As it stands in a URL. */
        String name() {
            String literal = host.getHostAddress();
            return (literal.contains(":") ? "[" + literal + "]" : literal) + ":" + port;
        }

        @Override
        public boolean isLocal() {
            return host.isLoopbackAddress();
        }

        @Override
        public String toString() {
            return name();
        }
    }

    /** A Unix socket, which is made with mode 0600. */
    record Unix(Path path) implements WebAddress {
        @Override
        public boolean isLocal() {
            return true;
        }

        @Override
        public String toString() {
            return UNIX + path;
        }
    }

    /** Whether only programs of this machine get there. */
    boolean isLocal();

    /**
     * The address that a text names: {@code 127.0.0.1:PORT}, {@code [::1]:PORT}, {@code localhost:PORT} or {@code
     * unix:PATH}. Names other than {@code localhost} are not looked up.
     *
     * @throws IllegalArgumentException if it names none; the message says what to write
     */
    static WebAddress of(String text) {
        if (text.startsWith(UNIX) && text.length() > UNIX.length()) {
            return new Unix(Path.of(text.substring(UNIX.length())).toAbsolutePath());
        }
        int colon = text.lastIndexOf(':');
        String host = colon < 1 ? "" : text.substring(0, colon);
        String port = text.substring(colon + 1);
        if (host.isEmpty() || !port.matches("[0-9]{1,5}") || Integer.parseInt(port) > MOST_PORT) {
            throw wrong(text);
        }
        try {
            InetAddress address = host.equals("localhost")
                    ? InetAddress.ofLiteral("127.0.0.1")
                    : InetAddress.ofLiteral(withoutBrackets(host));
            return new Tcp(address, Integer.parseInt(port));
        } catch (IllegalArgumentException e) {
            throw wrong(text);
        }
    }

    /** Those that an address of IPv6 has before its port. */
    private static String withoutBrackets(String host) {
        return host.startsWith("[") && host.endsWith("]") && host.indexOf(':') > 0
                ? host.substring(1, host.length() - 1)
                : host;
    }

    private static IllegalArgumentException wrong(String text) {
        return new IllegalArgumentException(
                "'" + text + "' is no address of a page; write 127.0.0.1:PORT, [::1]:PORT or unix:PATH");
    }
}
