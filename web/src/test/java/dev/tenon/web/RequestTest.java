package dev.tenon.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestTest {
    @Test
    void pathQueryAndHeadersAreTakenApart() throws Request.RefusedException {
        Request request =
                Request.parse("GET /volumes%20of?storage=a%C3%A4+b&x=&=y&z HTTP/1.1\r\nHost:  here:1 \r\nX: 1");

        assertThat(request.path()).isEqualTo("/volumes of");
        assertThat(request.query()).isEqualTo(Map.of("storage", "a\u00e4 b", "x", ""));
        assertThat(request.header("host")).isEqualTo("here:1");
        assertThat(request.isHead()).isFalse();
        assertThat(Request.parse("HEAD / HTTP/1.0").isHead()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "GET /",
                "GET  / HTTP/1.1",
                "get / HTTP/1.1",
                "GET http://a/ HTTP/1.1",
                "GET * HTTP/1.1",
                "GET /\u00e4 HTTP/1.1",
                "GET /%c3 HTTP/1.1",
                "GET /% HTTP/1.1",
                "GET /%4 HTTP/1.1",
                "GET /%00 HTTP/1.1",
                "GET / HTTP/1.1\r\n folded: x",
                "GET / HTTP/1.1\r\nname : x",
                "GET / HTTP/1.1\r\nname: a\nb: c",
                "GET / HTTP/1.1\r\nname: a\u0001b",
                "GET / HTTP/1.1\r\nname: a\u007f",
                "GET / HTTP/1.1\r\nname",
                "GET / HTTP/1.1\r\n: a",
                "GET / HTTP/1.1\r\nHost: a\r\nhost: b",
                "GET / HTTP/1.1\r\nContent-Length: 1",
                "GET / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 5",
                "GET / HTTP/1.1\r\nTransfer-Encoding: chunked",
            })
    void whatIsNotUnderstoodToItsLastByteIsRefused(String head) {
        Request.RefusedException refused =
                catchThrowableOfType(Request.RefusedException.class, () -> Request.parse(head));

        assertThat(refused).isNotNull();
        assertThat(refused.response().status()).isEqualTo(Response.BAD);
    }

    /** A pattern with a part for the blanks on each side tries all ways to divide them, with a thread of all connections. */
    @Test
    void blanksAreLookedAtOnce() throws Request.RefusedException {
        String blanks = " \t".repeat(3500);

        assertThat(Request.parse("GET / HTTP/1.1\r\nX:" + blanks + "a" + blanks + "b" + blanks)
                        .header("x"))
                .isEqualTo("a" + blanks + "b");
        assertThat(Request.parse("GET / HTTP/1.1\r\nX:" + blanks).header("x")).isEmpty();
        assertThat(catchThrowableOfType(
                        Request.RefusedException.class,
                        () -> Request.parse("GET / HTTP/1.1\r\nX:" + blanks + "\u0007" + blanks)))
                .hasMessage("a header of the request is malformed");
        // A cookie of another program of the machine, in UTF-8.
        assertThat(Request.parse("GET / HTTP/1.1\r\nCookie: \u00c3\u0085").header("cookie"))
                .isEqualTo("\u00c3\u0085");
    }

    @ParameterizedTest
    @CsvSource({"127.0.0.1:80,127.0.0.1:80", "[::1]:8080,[0:0:0:0:0:0:0:1]:8080", "localhost:0,127.0.0.1:0"})
    void addressesOfThisMachineAreKnown(String text, String name) {
        WebAddress address = WebAddress.of(text);

        assertThat(address.isLocal()).isTrue();
        assertThat(address).hasToString(name);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ":80",
                "80",
                "127.0.0.1",
                "127.0.0.1:",
                "127.0.0.1:65536",
                "host:80",
                "unix:",
                "[::1:80",
                "[]:80",
                "[:80",
                "[127.0.0.1]:80"
            })
    void whatIsNoAddressIsNotLookedUp(String text) {
        assertThat(catchThrowableOfType(IllegalArgumentException.class, () -> WebAddress.of(text)))
                .hasMessageContaining("'" + text + "' is no address of a page");
    }

    @Test
    void anAddressOfAllNetworksIsNotLocal() {
        assertThat(WebAddress.of("0.0.0.0:80").isLocal()).isFalse();
        assertThat(WebAddress.of("192.0.2.1:80").isLocal()).isFalse();
        assertThat(WebAddress.of("unix:/run/x").isLocal()).isTrue();
    }
}
