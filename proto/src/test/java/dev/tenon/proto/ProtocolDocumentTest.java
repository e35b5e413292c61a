package dev.tenon.proto;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Holds docs/PROTOCOL.md to the vectors and the limits: what stands between its markers is made from them. */
class ProtocolDocumentTest {
    private static final Pattern MARKED =
            Pattern.compile("<!-- (vector|limit) ([\\w-]+) -->\\n.*?<!-- /\\1 -->\\n", Pattern.DOTALL);

    private final GeneratedFile document = GeneratedFile.of("docs/PROTOCOL.md");

    @Test
    void everyVectorStandsInTheDocumentOnce() {
        List<String> shown = MARKED.matcher(document.text())
                .results()
                .filter(result -> result.group(1).equals("vector"))
                .map(result -> result.group(2))
                .toList();

        assertThat(shown)
                .doesNotHaveDuplicates()
                .containsExactlyInAnyOrderElementsOf(
                        WireVector.all().stream().map(WireVector::name).toList());
    }

    @Test
    void whatStandsBetweenTheMarkersIsMadeFromTheData() {
        Map<String, String> vectors = renderedVectors();
        String made = MARKED.matcher(document.text()).replaceAll(result -> {
            String kind = result.group(1);
            String name = result.group(2);
            String text = kind.equals("vector") ? Objects.requireNonNull(vectors.get(name), name) : limit(name);
            return Matcher.quoteReplacement("<!-- " + kind + " " + name + " -->\n" + text + "<!-- /" + kind + " -->\n");
        });

        document.assertIs(made);
    }

    private static String limit(String name) {
        Limits limits = Limits.DEFAULT;
        return switch (name) {
            case "all" ->
                """
                | limit | value |
                |---|---|
                | longest frame after its length field | %d bytes |
                | deepest nesting, the frame's own list counted | %d |
                | longest text or byte string | %d bytes |
                | most elements of a list, entries of a map | %d |
                | calls inside each other on one connection | %d |
                | calls of the peer under way on one connection | %d |
                """.formatted(
                                limits.frameBytes(),
                                limits.depth(),
                                limits.textBytes(),
                                limits.elements(),
                                limits.nesting(),
                                limits.pending());
            default ->
                throw new IllegalArgumentException("docs/PROTOCOL.md has a marker for the unknown limit " + name);
        };
    }

    private static Map<String, String> renderedVectors() {
        Map<String, String> rendered = new LinkedHashMap<>();
        try (InputStream in = Objects.requireNonNull(WireVector.class.getResourceAsStream("vectors.json"))) {
            for (Object item : JSON.std.listFrom(in)) {
                Map<?, ?> row = (Map<?, ?>) item;
                Object frame = row.get("frame");
                String notation = frame == null
                        ? "refused: " + row.get("rejected")
                        : JSON.std.with(JSON.Feature.WRITE_NULL_PROPERTIES).asString(frame);
                rendered.put(
                        String.valueOf(row.get("name")),
                        row.get("about") + "\n\n```\n" + notation + "\n" + bytes(String.valueOf(row.get("hex")))
                                + "```\n");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return rendered;
    }

    private static String bytes(String hex) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < hex.length(); i += 2) {
            out.append(hex, i, i + 2).append(i % 48 == 46 || i + 2 == hex.length() ? "\n" : i % 16 == 14 ? "  " : " ");
        }
        return out.toString();
    }
}
