package dev.tenon.libvirt;

import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.xml.ForeignXml;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.xml.transform.OutputKeys;
import javax.xml.transform.Transformer;
import javax.xml.transform.TransformerException;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.jspecify.annotations.Nullable;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.SAXException;

/**
 * An element of XML: with a text or with elements in it, never with both.
 *
 * @param name with its prefix, as it is written
 * @param text null if it has none
 */
record XmlTree(
        String name,
        Map<String, String> attributes,
        @Nullable String text,
        List<XmlTree> elements) {
    private static final String MOUNT_OPTIONS = "http://libvirt.org/schemas/storagepool/fs/1.0";
    private static final String PREFIX = "fs:";

    static XmlTree of(String name, Map<String, String> attributes, XmlTree... elements) {
        return new XmlTree(name, attributes, null, List.of(elements));
    }

    static XmlTree of(String name, List<XmlTree> elements) {
        return new XmlTree(name, Map.of(), null, List.copyOf(elements));
    }

    static XmlTree text(String name, String text) {
        return new XmlTree(name, Map.of(), text, List.of());
    }

    static XmlTree bytes(String name, long bytes) {
        return new XmlTree(name, Map.of("unit", "bytes"), Long.toString(bytes), List.of());
    }

    /** The first element in it that these names lead to. */
    Optional<XmlTree> find(String... names) {
        Optional<XmlTree> found = Optional.of(this);
        for (String wanted : names) {
            found = found.flatMap(tree -> tree.elements.stream()
                    .filter(element -> element.name.equals(wanted))
                    .findFirst());
        }
        return found;
    }

    /** Its text without blanks around it; empty if there is none. */
    Optional<String> words() {
        return Optional.ofNullable(text).map(String::strip).filter(words -> !words.isEmpty());
    }

    Optional<String> attribute(String attribute) {
        return Optional.ofNullable(attributes.get(attribute)).filter(value -> !value.isEmpty());
    }

    /** A document with this as its root, indented. */
    String document() {
        try {
            Document document = ForeignXml.create();
            document.appendChild(element(document));
            Transformer transformer = TransformerFactory.newDefaultInstance().newTransformer();
            transformer.setOutputProperty(OutputKeys.INDENT, "yes");
            transformer.setOutputProperty(OutputKeys.OMIT_XML_DECLARATION, "yes");
            transformer.setOutputProperty("{http://xml.apache.org/xslt}indent-amount", "2");
            StringWriter written = new StringWriter();
            transformer.transform(new DOMSource(document), new StreamResult(written));
            return written.toString();
        } catch (TransformerException e) {
            throw new IllegalStateException(e);
        }
    }

    private Element element(Document document) {
        Element element =
                name.startsWith(PREFIX) ? document.createElementNS(MOUNT_OPTIONS, name) : document.createElement(name);
        attributes.forEach(element::setAttribute);
        if (text != null) {
            element.setTextContent(text);
        }
        elements.forEach(inner -> element.appendChild(inner.element(document)));
        return element;
    }

    /**
     * Reads a document.
     *
     * @throws StorageException {@code BAD_PARAMETER} if it is none, or has a document type of its own
     */
    static XmlTree read(byte[] document) {
        try {
            return of(ForeignXml.read(new ByteArrayInputStream(document)).getDocumentElement());
        } catch (SAXException e) {
            throw StorageException.refused(StorageError.BAD_PARAMETER, "this is no XML: " + e.getMessage());
        } catch (IOException e) {
            throw StorageException.refused(StorageError.BAD_PARAMETER, "this is no XML in UTF-8: " + e.getMessage());
        }
    }

    private static XmlTree of(Element element) {
        List<XmlTree> elements = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        for (Node node = element.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element inner) {
                elements.add(of(inner));
            } else if (node.getNodeType() == Node.TEXT_NODE || node.getNodeType() == Node.CDATA_SECTION_NODE) {
                text.append(node.getNodeValue());
            }
        }
        Map<String, String> attributes = new LinkedHashMap<>();
        for (int i = 0; i < element.getAttributes().getLength(); i++) {
            Node attribute = element.getAttributes().item(i);
            attributes.put(attribute.getNodeName(), attribute.getNodeValue());
        }
        String name = MOUNT_OPTIONS.equals(element.getNamespaceURI())
                ? PREFIX + element.getLocalName()
                : element.getNodeName();
        return new XmlTree(name, attributes, elements.isEmpty() ? text.toString() : null, List.copyOf(elements));
    }
}
