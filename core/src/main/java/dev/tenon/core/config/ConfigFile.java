package dev.tenon.core.config;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The text of a {@code storage.cfg}, cut into sections by PVE's grammar, and nothing of it lost: a change gives a text in
 * which all lines but those of the changed section are the same bytes.
 */
final class ConfigFile {
    private static final Pattern HEADER = Pattern.compile("(\\S+):\\s*(\\S+)\\s*");
    private static final Pattern PROPERTY = Pattern.compile("\\s+(\\S+)(?:\\s+(.*\\S))?\\s*", Pattern.DOTALL);
    private static final Pattern COMMENT = Pattern.compile("\\s*#");

    /** A line without its line feed. Bytes that are no UTF-8 show as one character each, and no value is made of them. */
    private record Line(int start, int end, String text, boolean isUtf8) {
        /** PVE takes a line that says just 0 for an empty one. */
        boolean isEmpty() {
            return text.isEmpty() || text.equals("0");
        }

        boolean isComment() {
            return COMMENT.matcher(text).lookingAt();
        }
    }

    /**
     * A line with a property.
     *
     * @param value null if there is only the name
     */
    record Property(int line, String name, @Nullable String value, boolean isUtf8) {}

    /**
     * A section.
     *
     * @param line of its header, from 1
     * @param last the last line that belongs to it: the empty one that ends it, or the last of the file
     * @param ignored lines in it that say nothing
     */
    record Section(int line, int last, String type, String id, List<Property> properties, List<Integer> ignored) {}

    private final byte[] bytes;
    private final List<Line> lines = new ArrayList<>();
    private final List<Section> sections = new ArrayList<>();
    private final List<Integer> ignored = new ArrayList<>();
    private boolean endsInSection;

    ConfigFile(byte[] content) {
        bytes = content.clone();
        int start = 0;
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                lines.add(line(start, i));
                start = i + 1;
            }
        }
        if (start < bytes.length) {
            lines.add(line(start, bytes.length));
        }
        cut();
    }

    private Line line(int start, int end) {
        try {
            ByteBuffer content = ByteBuffer.wrap(bytes, start, end - start);
            String text = StandardCharsets.UTF_8.newDecoder().decode(content).toString();
            return new Line(start, end, text, true);
        } catch (CharacterCodingException e) {
            return new Line(start, end, new String(bytes, start, end - start, StandardCharsets.ISO_8859_1), false);
        }
    }

    private void cut() {
        int at = 0;
        while (at < lines.size()) {
            Line line = lines.get(at++);
            if (line.isEmpty() || line.isComment()) {
                continue;
            }
            Matcher header = HEADER.matcher(line.text());
            if (header.matches()) {
                at = section(at, header.group(1).toLowerCase(Locale.ROOT), header.group(2));
            } else {
                ignored.add(at);
            }
        }
    }

    private int section(int header, String type, String id) {
        List<Property> properties = new ArrayList<>();
        List<Integer> saysNothing = new ArrayList<>();
        int at = header;
        endsInSection = true;
        while (at < lines.size() && endsInSection) {
            Line line = lines.get(at++);
            if (line.isEmpty()) {
                endsInSection = false;
            } else if (!line.isComment()) {
                Matcher property = PROPERTY.matcher(line.text());
                if (property.matches()) {
                    properties.add(new Property(at, property.group(1), property.group(2), line.isUtf8()));
                } else {
                    saysNothing.add(at);
                }
            }
        }
        sections.add(new Section(header, at, type, id, List.copyOf(properties), List.copyOf(saysNothing)));
        return at;
    }

    List<Section> sections() {
        return sections;
    }

    /** The lines outside of sections that say nothing. */
    List<Integer> ignored() {
        return ignored;
    }

    String text(int line) {
        return lines.get(line - 1).text();
    }

    /** The bytes with a new section at the end. */
    byte[] adding(String type, String id, Collection<String> properties) {
        Out out = new Out();
        lines.forEach(out::keep);
        if (endsInSection) {
            out.add("");
        }
        out.add(type + ": " + id);
        properties.forEach(out::add);
        out.add("");
        return out.bytes();
    }

    /** The bytes without these sections. */
    byte[] removing(Collection<Section> removed) {
        Set<Integer> gone = new HashSet<>();
        for (Section section : removed) {
            for (int line = section.line(); line <= section.last(); line++) {
                gone.add(line);
            }
        }
        Out out = new Out();
        for (int line = 1; line <= lines.size(); line++) {
            if (!gone.contains(line)) {
                out.keep(lines.get(line - 1));
            }
        }
        return out.bytes();
    }

    /**
     * The bytes with other properties in a section. What stays keeps its line, comments included; what changes is
     * changed in its place; what is new stands where PVE would write it among the others.
     *
     * @param changes property to its new lines, none if it goes
     * @param order all properties of the type in the order in which PVE writes them
     */
    byte[] changing(Section section, Map<String, List<String>> changes, List<String> order) {
        Set<String> pending = new HashSet<>(changes.keySet());
        Map<Integer, Property> byLine = new HashMap<>();
        int lastProperty = section.line();
        for (Property property : section.properties()) {
            byLine.put(property.line(), property);
            pending.remove(property.name());
            lastProperty = property.line();
        }
        List<String> added = order.stream().filter(pending::contains).collect(Collectors.toCollection(ArrayList::new));

        Out out = new Out();
        Set<String> written = new HashSet<>();
        for (int number = 1; number <= lines.size(); number++) {
            Property property = byLine.get(number);
            if (property == null) {
                out.keep(lines.get(number - 1));
            } else {
                while (!added.isEmpty() && order.indexOf(added.getFirst()) < order.indexOf(property.name())) {
                    changes.getOrDefault(added.removeFirst(), List.of()).forEach(out::add);
                }
                List<String> change = changes.get(property.name());
                if (change == null) {
                    out.keep(lines.get(number - 1));
                } else if (written.add(property.name())) {
                    change.forEach(out::add);
                }
            }
            if (number == lastProperty) {
                added.forEach(name -> changes.getOrDefault(name, List.of()).forEach(out::add));
            }
        }
        return out.bytes();
    }

    /** Lines that become a text; only its last one may lack its line feed. */
    private final class Out {
        private final ByteArrayOutputStream text = new ByteArrayOutputStream();
        private boolean isTerminated = true;

        void keep(Line line) {
            terminate();
            isTerminated = line.end() < bytes.length;
            text.write(bytes, line.start(), line.end() - line.start() + (isTerminated ? 1 : 0));
        }

        void add(String line) {
            terminate();
            text.writeBytes((line + "\n").getBytes(StandardCharsets.UTF_8));
        }

        private void terminate() {
            if (!isTerminated) {
                text.write('\n');
                isTerminated = true;
            }
        }

        byte[] bytes() {
            return text.toByteArray();
        }
    }
}
