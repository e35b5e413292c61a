package dev.tenon.core.xml;

import java.io.IOException;
import java.io.InputStream;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Document;
import org.xml.sax.SAXException;

/** Reads XML that others wrote, and makes documents of our own. */
public final class ForeignXml {
    private ForeignXml() {}

    /**
     * Reads a document with its namespaces. It may not declare a document type, by which it could make us read files or fill
     * our memory.
     *
     * @throws SAXException if it is not XML, or declares a document type
     */
    public static Document read(InputStream xml) throws IOException, SAXException {
        return builder().parse(xml);
    }

    /** A new document without content. */
    public static Document create() {
        return builder().newDocument();
    }

    private static DocumentBuilder builder() {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newDefaultNSInstance();
        try {
            factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            DocumentBuilder builder = factory.newDocumentBuilder();
            builder.setErrorHandler(null);
            return builder;
        } catch (ParserConfigurationException e) {
            throw new IllegalStateException(e);
        }
    }
}
