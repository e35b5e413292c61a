package dev.tenon.core.compare;

import dev.tenon.core.report.JUnitXml;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/** A report in the XML of JUnit: a suite a method, a case a storage. */
final class XmlReport {
    private XmlReport() {}

    static String of(Report report) {
        SequencedMap<String, List<JUnitXml.Case>> suites = new LinkedHashMap<>();
        report.byMethod().forEach((method, cells) -> {
            List<JUnitXml.Case> cases = new ArrayList<>();
            cells.keySet()
                    .forEach(storage -> cases.add(new JUnitXml.Case(
                            storage.isEmpty() ? "type" : storage,
                            failures(report, new Report.Place(method, storage)))));
            suites.put(method, cases);
        });
        return JUnitXml.of(suites);
    }

    private static List<JUnitXml.Failure> failures(Report report, Report.Place place) {
        return report.mismatches().stream()
                .filter(mismatch -> Results.place(mismatch.question()).equals(place))
                .map(mismatch -> new JUnitXml.Failure(
                        mismatch.difference().toString(), mismatch.question() + ", " + mismatch.count() + " calls"))
                .toList();
    }
}
