package dev.tenon.web;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a browser wants. Only what is understood to its last byte is answered.
 *
 * @param isHead whether the head of the answer is enough
 * @param path decoded, from {@code /} on
 * @param query the parameters, decoded
 * @param headers by their names in small letters
 */
record Request(boolean isHead, String path, Map<String, String> query, Map<String, String> headers) {
    private static final Pattern LINE = Pattern.compile("([A-Z]{1,20}) (/[!-~]*) HTTP/1\\.[01]");
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+");
    private static final int HEXADECIMAL = 16;
    private static final char DELETE = 0x7f;

    /** A request that gets no answer but a refusal. */
    static final class RefusedException extends Exception {
        private static final long serialVersionUID = 1;
        private final int status;

        RefusedException(int status, String reason) {
            super(reason, null, false, false);
            this.status = status;
        }

        Response response() {
            Response response = Response.text(status, String.valueOf(getMessage()));
            return status == Response.NOT_ALLOWED ? response.with("Allow", "GET, HEAD") : response;
        }
    }

    /**
     * Reads one.
     *
     * @param head everything before the empty line, each byte a letter
     */
    static Request parse(String head) throws RefusedException {
        String[] lines = head.split("\r\n", -1);
        Matcher line = LINE.matcher(lines[0]);
        if (!line.matches()) {
            throw new RefusedException(Response.BAD, "this is no request of HTTP/1.1");
        }
        String method = line.group(1);
        if (!method.equals("GET") && !method.equals("HEAD")) {
            throw new RefusedException(Response.NOT_ALLOWED, "this page is only read: there are GET and HEAD");
        }
        Map<String, String> headers = headers(lines);
        if (headers.containsKey("transfer-encoding")
                || !headers.getOrDefault("content-length", "0").equals("0")) {
            throw new RefusedException(Response.BAD, "whoever reads this page sends nothing");
        }
        String target = line.group(2);
        int mark = target.indexOf('?');
        String path = decoded(mark < 0 ? target : target.substring(0, mark), false);
        Map<String, String> query = new HashMap<>();
        if (mark >= 0) {
            for (String part : target.substring(mark + 1).split("&", -1)) {
                int equals = part.indexOf('=');
                if (equals > 0) {
                    query.put(decoded(part.substring(0, equals), true), decoded(part.substring(equals + 1), true));
                }
            }
        }
        return new Request(method.equals("HEAD"), path, Map.copyOf(query), Map.copyOf(headers));
    }

    private static Map<String, String> headers(String... lines) throws RefusedException {
        Map<String, String> headers = new HashMap<>();
        for (int i = 1; i < lines.length; i++) {
            int colon = lines[i].indexOf(':');
            if (colon < 0
                    || !NAME.matcher(lines[i].substring(0, colon)).matches()
                    || lines[i].chars().anyMatch(Request::isControl)) {
                throw new RefusedException(Response.BAD, "a header of the request is malformed");
            }
            String name = lines[i].substring(0, colon).toLowerCase(Locale.ROOT);
            if (headers.put(name, lines[i].substring(colon + 1).strip()) != null
                    && (name.equals("host") || name.equals("authorization") || name.equals("content-length"))) {
                throw new RefusedException(Response.BAD, "the request has two headers '" + name + "'");
            }
        }
        return headers;
    }

    /** All but the tab, which is a blank. What is above 0x7f is UTF-8 of somebody's. */
    private static boolean isControl(int c) {
        return (c < ' ' && c != '\t') || c == DELETE;
    }

    private static String decoded(String text, boolean isQuery) throws RefusedException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '%') {
                String digits = text.substring(i + 1, Math.min(i + 3, text.length()));
                if (!digits.matches("[0-9A-Fa-f]{2}")) {
                    throw new RefusedException(Response.BAD, "the address is malformed");
                }
                bytes.write(Integer.parseInt(digits, HEXADECIMAL));
                i += 2;
            } else {
                bytes.write(isQuery && c == '+' ? ' ' : c);
            }
        }
        try {
            String plain = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes.toByteArray()))
                    .toString();
            if (plain.indexOf('\0') >= 0) {
                throw new RefusedException(Response.BAD, "the address is malformed");
            }
            return plain;
        } catch (CharacterCodingException e) {
            throw new RefusedException(Response.BAD, "the address is not UTF-8");
        }
    }

    @Nullable
    String header(String name) {
        return headers.get(name);
    }
}
