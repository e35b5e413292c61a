package Tenon::Inspect::Problems;

use v5.36;

use File::Basename qw(basename);
use List::Util qw(uniq);

use Tenon::Inspect::Compat;
use Tenon::Inspect::Modules;
use Tenon::Inspect::Names;
use Tenon::Inspect::Verdict;

use constant LONGEST_SHOWN => 120;

# What is wrong with a plugin, in sentences, the worst first.
sub of (%about) {
    return uniq(
        _verdict($about{hosts}, $about{newest}),
        _missing($about{missing}),
        _properties($about{facts}, $about{newest}, $about{declared}),
        _plugindata($about{facts}),
        _calls($about{source}),
        _imports($about{source}),
        _lacking($about{source}, $about{result}),
        _name($about{facts}, $about{file}),
        _strategy($about{strategy}),
        _holds($about{facts}),
        _printed($about{result}),
        _stand_ins($about{result}),
    );
}

sub _verdict ($hosts, $newest) {
    my ($unknown) = grep { $_->{verdict} eq 'unknown' } values $hosts->%*;
    return ucfirst("it $unknown->{reason}.") if $unknown;
    my $host = $hosts->{$newest};
    return $host->{verdict} eq 'loads' ? () : "On the newest host, $newest, it $host->{reason}.";
}

sub _missing ($missing) {
    my @problems;
    for my $module ($missing->@*) {
        my ($name, $package) = $module->@{qw(module package)};
        if (!defined($package)) {
            push @problems,
                "The module $name is missing; no package has it, so it comes with the plugin:"
                . ' put it beside the plugin, or name its directory with --lib.';
            next;
        }
        push @problems,
            defined(Tenon::Inspect::Modules::known_package_of($name))
            ? "The module $name is missing; install the Debian package $package."
            : "The module $name is missing; if Debian has it, it is in $package.";
    }
    return @problems;
}

sub _properties ($facts, $newest, $declared) {
    for my $method (qw(properties options)) {
        return if ref(($facts->{$method} // {})->{value}) ne 'HASH';
    }
    my @duplicates = Tenon::Inspect::Verdict::duplicates($facts, $newest);
    my @undeclared = Tenon::Inspect::Verdict::undeclared($facts, $newest, $declared);
    return (
        (map { "It declares the property '$_', which PVE declares too." } @duplicates),
        @undeclared
        ? 'Its options use what neither it nor PVE declares: ' . join(', ', @undeclared) . '.'
        : (),
    );
}

sub _plugindata ($facts) {
    my $answer = $facts->{plugindata} // return;
    return "Its plugindata() failed: $answer->{error}." if defined($answer->{error});
    my $data = $answer->{value};
    return 'Its plugindata() returns no hash.' if ref($data) ne 'HASH';
    my @problems;
    my $content = $data->{content};
    push @problems, 'Its plugindata() has no pair of allowed and default content types.'
        if ref($content) ne 'ARRAY' || $content->@* != 2 || grep { ref ne 'HASH' } $content->@*;
    my $format = $data->{format};
    push @problems, 'Its plugindata() has no pair of allowed formats and the default one.'
        if defined($format)
        && (ref($format) ne 'ARRAY'
        || $format->@* != 2
        || ref($format->[0]) ne 'HASH'
        || ref($format->[1]));
    return @problems;
}

# ---- calls into PVE

sub _calls ($source) {
    my $names = Tenon::Inspect::Names->load;
    my (%lines, @order);
    my $add = sub ($what, $line) {
        push @order, $what if !$lines{$what};
        push $lines{$what}->@*, $line;
    };
    for my $call ($source->pve_calls) {
        my ($module, $name) = $call->@{qw(module name)};
        next if !$names->is_module($module) || $names->has_function($module, $name);
        $add->("It calls ${module}::$name, which no release of PVE has", $call->{line});
    }
    my @bases = grep { m/\APVE::/ } $source->bases;
    my $base = 'PVE::Storage::Plugin';
    if (@bases == 1 && $bases[0] =~ m/\A\Q$base\E(?:Base)?\z/ && uniq($source->packages) == 1) {
        for my $call ($source->super_calls) {
            next if $names->has_function($base, $call->{name});
            $add->(
                "It calls the method $call->{name} of the base class, which no release of PVE has",
                $call->{line});
        }
    }
    return map { "$_ (" . _lines($lines{$_}->@*) . ').' } @order;
}

sub _lines (@lines) {
    return (@lines == 1 ? 'line ' : 'lines ') . join(', ', @lines);
}

sub _imports ($source) {
    my $names = Tenon::Inspect::Names->load;
    my @problems;
    for my $module (grep { $names->is_module($_->{name}) } $source->modules) {
        my $name = $module->{name};
        push @problems, map { "It imports $_ from $name, which does not export that." }
            grep { m/\A\w+\z/ && !m/\A\d/ && !$names->is_exported($name, $_) }
            $module->{imports}->@*;
    }
    return @problems;
}

# What exists in PVE and is missing without it.
sub _lacking ($source, $result) {
    return if (($result->{facts} // {})->{pve} // 'compat') ne 'compat';
    my (%lines, @order);
    for my $use (Tenon::Inspect::Compat::lacking($source)) {
        my $what = "$use->{module}::$use->{name}";
        push @order, $what if !$lines{$what};
        push $lines{$what}->@*, $use->{line} // ();
    }
    return map {
"It uses $_, which PVE has and Tenon's compat layer lacks; host it with PVE's own libraries (--pve-lib)"
            . ($lines{$_}->@* ? ' (' . _lines($lines{$_}->@*) . ').' : '.')
    } @order;
}

# ---- the file and the process

# PVE takes the class's name from the file's.
sub _name ($facts, $file) {
    my $package = $facts->{package} // return;
    return
"PVE looks for the class in a file of its name, and $package is no class in PVE::Storage::Custom."
        if $package !~ m/\APVE::Storage::Custom::(\w+)\z/;
    return if basename($file) eq "$1.pm";
    return "PVE finds the class $package only in a file that is called $1.pm.";
}

sub _strategy ($strategy) {
    return if !$strategy || $strategy->{kind} ne 'host';
    return
'Its api() is the version of the host, whatever that is, which says nothing about what it was written for.';
}

# A daemon of PVE loads plugins before it forks its workers, too.
sub _holds ($facts) {
    my @held = ($facts->{holds} // [])->@*;
    return if !@held;
    return
          'While it is loaded it opens or starts '
        . join(', ', @held)
        . ', which processes that are forked afterwards share, or lack; adopt it with one process: tenon adopt --members 1.';
}

sub _printed ($result) {
    my %streams = (stdout => 'prints', stderr => 'warns');
    return map { "It $streams{$_} while it is loaded: " . _shown($result->{$_}) . '.' }
        grep { ($result->{$_} // '') =~ m/\S/ } qw(stdout stderr);
}

sub _shown ($text) {
    my ($line) = grep { m/\S/ } split(m/\n/, $text);
    $line =~ s/[^ -~]/?/g;
    $line =~ s/\A\s+|\s+\z//g;
    return
        q(')
        . (length($line) > LONGEST_SHOWN ? substr($line, 0, LONGEST_SHOWN) . '...' : $line) . q(');
}

sub _stand_ins ($result) {
    my @modules = uniq((($result->{facts} // {})->{stand_ins} // [])->@*);
    return map { "It uses $_, which only PVE's own libraries have, not Tenon's compat layer." }
        sort @modules;
}

1;

__END__

=head1 NAME

Tenon::Inspect::Problems - what is wrong with a plugin, in sentences

=head1 SYNOPSIS

    my @sentences = Tenon::Inspect::Problems::of(%about);

=head1 FUNCTIONS

=head2 of

Takes what L<Tenon::Inspect> knows: C<declared>, C<facts>, C<file>, C<hosts>, C<missing>, C<newest>, C<result>, C<source> and
C<strategy>.

=cut
