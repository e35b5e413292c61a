package dev.tenon.web;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a browser gets. */
final class Response {
    static final int OK = 200;
    static final int BAD = 400;
    static final int UNAUTHORIZED = 401;
    static final int FORBIDDEN = 403;
    static final int NOT_FOUND = 404;
    static final int NOT_ALLOWED = 405;
    static final int TOO_LARGE = 431;
    static final int FAILED = 500;
    static final int BUSY = 503;

    private static final Map<Integer, String> REASONS = Map.of(
            OK, "OK",
            BAD, "Bad Request",
            UNAUTHORIZED, "Unauthorized",
            FORBIDDEN, "Forbidden",
            NOT_FOUND, "Not Found",
            NOT_ALLOWED, "Method Not Allowed",
            TOO_LARGE, "Request Header Fields Too Large",
            FAILED, "Internal Server Error",
            BUSY, "Service Unavailable");

    /** A page may use what comes from here and nothing else, and no other page may use it. */
    private static final Map<String, String> USUAL = new LinkedHashMap<>();

    static {
        USUAL.put("Cache-Control", "no-store");
        USUAL.put(
                "Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
                        + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
        USUAL.put("Cross-Origin-Opener-Policy", "same-origin");
        USUAL.put("Cross-Origin-Resource-Policy", "same-origin");
        USUAL.put("Referrer-Policy", "no-referrer");
        USUAL.put("X-Content-Type-Options", "nosniff");
        USUAL.put("X-Frame-Options", "DENY");
        USUAL.put("Connection", "close");
    }

    private final int status;
    private final Map<String, String> headers;
    private final byte[] body;
    private final boolean isLarge;

    /**
     * @param headers beside those that every answer has
     * @param body not copied: nobody changes it
     */
    Response(int status, Map<String, String> headers, byte[] body) {
        this(status, headers, body, false);
    }

    private Response(int status, Map<String, String> headers, byte[] body, boolean isLarge) {
        this.isLarge = isLarge;
        this.status = status;
        this.headers = Collections.unmodifiableMap(new LinkedHashMap<>(headers));
        this.body = body;
    }

    int status() {
        return status;
    }

    byte[] body() {
        return body;
    }

    /** Whether only few may get it at the same time. */
    boolean isLarge() {
        return isLarge;
    }

    /** The same, which few may get at the same time. */
    Response large() {
        return new Response(status, headers, body, true);
    }

    /** That the same is to be asked for again later, for this reason. */
    static Response busy(String reason) {
        return text(BUSY, reason).with("Retry-After", "5");
    }

    static Response of(String type, byte[] body) {
        return new Response(OK, Map.of("Content-Type", type), body);
    }

    /** A sentence. */
    static Response text(int status, String sentence) {
        return new Response(
                status,
                Map.of("Content-Type", "text/plain; charset=utf-8"),
                (sentence + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** The same with this header, in place of a usual one of its name. */
    Response with(String name, String value) {
        Map<String, String> all = new LinkedHashMap<>(headers);
        all.put(name, value);
        return new Response(status, all, body, isLarge);
    }

    /** Everything before the body. */
    byte[] head() {
        Map<String, String> all = new LinkedHashMap<>(USUAL);
        all.putAll(headers);
        all.put("Content-Length", Integer.toString(body.length));
        StringBuilder head = new StringBuilder(512)
                .append("HTTP/1.1 ")
                .append(status)
                .append(' ')
                .append(REASONS.getOrDefault(status, "Unknown"))
                .append("\r\n");
        all.forEach(
                (name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
        return head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
    }
}
