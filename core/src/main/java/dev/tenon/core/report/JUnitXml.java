package dev.tenon.core.report;

import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/** Results in the XML of JUnit, which builds read. */
public final class JUnitXml {
    private JUnitXml() {}

    /**
     * A result.
     *
     * @param failures what failed in it, empty if nothing did
     * @param skipped why it was not made, empty if it was
     * @param seconds how long it took; negative if that is not known
     */
    public record Case(String name, List<Failure> failures, String skipped, double seconds) {
        public Case {
            failures = List.copyOf(failures);
        }

        /** One of which the time is not known. */
        public Case(String name, List<Failure> failures) {
            this(name, failures, "", -1);
        }
    }

    /** What failed, in one line, and what else there is to say. */
    public record Failure(String message, String text) {}

    /**
     * Writes suites of cases, by the names of the suites.
     *
     * @throws IllegalStateException if the JDK's XML writer fails, which it does not in memory
     */
    public static String of(SequencedMap<String, List<Case>> suites) {
        StringWriter text = new StringWriter();
        try {
            XMLStreamWriter xml = XMLOutputFactory.newFactory().createXMLStreamWriter(text);
            xml.writeStartDocument("UTF-8", "1.0");
            xml.writeStartElement("testsuites");
            for (Map.Entry<String, List<Case>> suite : suites.entrySet()) {
                write(xml, suite.getKey(), new ArrayList<>(suite.getValue()));
            }
            xml.writeEndElement();
            xml.writeEndDocument();
        } catch (XMLStreamException e) {
            throw new IllegalStateException("a report cannot be written as XML: " + e.getMessage(), e);
        }
        return text + "\n";
    }

    private static void write(XMLStreamWriter xml, String name, List<Case> cases) throws XMLStreamException {
        xml.writeStartElement("testsuite");
        xml.writeAttribute("name", name);
        xml.writeAttribute("tests", Integer.toString(cases.size()));
        xml.writeAttribute(
                "failures",
                count(cases.stream().filter(each -> !each.failures().isEmpty()).count()));
        xml.writeAttribute(
                "skipped",
                count(cases.stream().filter(each -> !each.skipped().isEmpty()).count()));
        for (Case each : cases) {
            xml.writeStartElement("testcase");
            xml.writeAttribute("classname", name);
            xml.writeAttribute("name", printable(each.name()));
            if (each.seconds() >= 0) {
                xml.writeAttribute("time", String.format(Locale.ROOT, "%.3f", each.seconds()));
            }
            if (!each.skipped().isEmpty()) {
                xml.writeEmptyElement("skipped");
                xml.writeAttribute("message", printable(each.skipped()));
            }
            for (Failure failure : each.failures()) {
                xml.writeStartElement("failure");
                xml.writeAttribute("message", printable(failure.message()));
                xml.writeCharacters(printable(failure.text()));
                xml.writeEndElement();
            }
            xml.writeEndElement();
        }
        xml.writeEndElement();
    }

    private static String count(long count) {
        return Long.toString(count);
    }

    /** XML has no place for control characters, escaped or not, which names and errors may hold. */
    private static String printable(String text) {
        return text.replaceAll("[^\\t\\n\\r\\x{20}-\\x{D7FF}\\x{E000}-\\x{FFFD}\\x{10000}-\\x{10FFFF}]", "\uFFFD");
    }
}
