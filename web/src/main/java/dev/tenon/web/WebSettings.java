package dev.tenon.web;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * How the page is given to browsers.
 *
 * @param names by which browsers call it beside its address, each with a port if that is not the usual one of its protocol:
 *     those of a proxy before it. A request for another name is refused, or a page of somebody else could have its own name
 *     lead here
 * @param reports directories with reports, or with directories of reports
 */
public record WebSettings(WebAddress address, WebToken token, Set<String> names, List<Path> reports) {
    public WebSettings {
        names = Set.copyOf(names);
        reports = List.copyOf(reports);
    }
}
