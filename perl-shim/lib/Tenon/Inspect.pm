package Tenon::Inspect;

use v5.36;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use List::Util qw(uniq);

use Tenon::Api;
use Tenon::Inspect::Modules;
use Tenon::Inspect::Problems;
use Tenon::Inspect::Source;
use Tenon::Inspect::Trial;
use Tenon::Inspect::Verdict;
use Tenon::Loader;
use Tenon::Signatures;

# Hosts that do not exist: one so new and one so old that a plugin shows the limits that it respects.
use constant { FAR_FUTURE => 1000, FAR_PAST => 1 };

use constant { DEADLINE => 30, MOST_MISSING => 20 };

# The report about one file.
sub inspect ($class, $file, %opt) {
    my $api = Tenon::Api->load;
    my $self = bless {
        deadline => $opt{deadline} // DEADLINE,
        declared => { map { $_ => 1 } ($opt{declared} // [])->@* },
        file => $file,
        levels => $opt{levels} // [$api->oldest .. $api->newest],
        lib => [map { abs_path($_) // $_ } ($opt{lib} // [])->@*],
        neighbours => $opt{neighbours} // [],
        pve_lib => $opt{pve_lib},
    }, $class;
    $self->{source} = Tenon::Inspect::Source->new(Tenon::Loader::source($file));
    $self->{missing} = [];
    $self->{at} = {};
    $self->_try if $self->{source}->packages;
    return $self->_report;
}

# What a proxy in place of the plugin must say of itself and do when it is loaded, on the host that this is.
sub registration ($class, $file, %opt) {
    Tenon::Loader::find($file); # dies if it is none
    my @results = Tenon::Inspect::Trial->run_all(
        $opt{deadline} // DEADLINE,
        {
            file => $file,
            level => undef,
            lib => [map { abs_path($_) // $_ } ($opt{lib} // [])->@*],
            neighbours => [],
            pve_lib => $opt{pve_lib},
            stand_in => [],
        });
    my ($reason) = Tenon::Inspect::Verdict::why_not($results[0], $opt{deadline} // DEADLINE);
    return { refused => [], complaint => $reason } if defined($reason);
    my $facts = $results[0]->{facts};
    return {
        package => $facts->{package},
        literals => $facts->{literals},
        holds => $facts->{holds} // [],
        $facts->{effects}->%*,
    };
}

# ---- trials

sub _try ($self) {
    my @levels = $self->{levels}->@*;
    my @results = $self->_run(map { { level => $_ } } @levels);
    my %at;
    @at{@levels} = @results;
    $self->{at} = \%at;
    my $newest = $results[-1];
    for my $result (@results) {
        next if $result->{facts} || ($result->{stage} // 'pve') ne 'pve' || $result->{timed_out};
        my ($last) = reverse grep { m/\S/ } split(m/\n/, $result->{stderr});
        die "PVE's modules cannot be loaded: " . ($last // 'perl said nothing') . "\n";
    }
    $self->{missing} = [$self->_missing($newest->{facts})];

    my (@orders, @then);
    if (@levels > 1 && $self->_follows_host) {
        push @orders, { level => FAR_FUTURE }, { level => FAR_PAST };
        push @then, qw(future past);
    }
    my @modules = $self->_stand_in_for($newest->{facts});
    push @orders, map { { level => $_, stand_in => \@modules } } @modules ? @levels : ();
    push @then, map { "stand-in $_" } @modules ? @levels : ();
    @at{@then} = $self->_run(@orders) if @orders;
    return;
}

# With stand-ins for missing modules, a plugin can still be asked what it is. Only then does it show what its own modules
# lack.
sub _stand_in_for ($self, $facts) {
    my @modules = map { $_->{module} } $self->{missing}->@*;
    my %is_known = map { $_ => 1 } @modules;
    for (1 .. MOST_MISSING) {
        my ($file) = ($facts->{complaint} // last) =~ m{\ACan't locate (\w+(?:/\w+)*)\.pm in \@INC};
        my $module = ($file // last) =~ s{/}{::}gr;
        if (!$is_known{$module}++) {
            push @modules, $module;
            push $self->{missing}->@*, _missing_module($module);
        } elsif ($_ > 1) {
            last;
        }
        ($facts) = map { $_->{facts} // {} }
            $self->_run({ level => $self->{levels}->[-1], stand_in => \@modules });
    }
    return $facts->{package} ? @modules : ();
}

sub _missing_module ($module) {
    my $package =
        Tenon::Inspect::Modules::is_of_plugin($module)
        ? undef
        : Tenon::Inspect::Modules::package_of($module);
    return { module => $module, package => $package };
}

sub _run ($self, @orders) {
    my %all = (map { $_ => $self->{$_} } qw(file lib neighbours pve_lib));
    $all{stand_in} = [];
    return Tenon::Inspect::Trial->run_all(
        $self->{deadline},
        map {
            { %all, $_->%* }
        } @orders
    );
}

sub _missing ($self, $facts) {
    my $is_compat = ($facts->{pve} // 'compat') eq 'compat';
    my $compat = dirname(__FILE__) . '/../../compat';
    my @includes =
        ($facts->{includes} // [$self->{lib}->@*, $self->{pve_lib} // (), @INC, $compat])->@*;
    my @missing;
    for my $module ($self->{source}->modules) {
        my $name = $module->{name};
        next if $name =~ m/\APVE::Storage::PluginBase\z/ || $module->{optional};
        next
            if $is_compat
            && $name =~ m/\APVE::/
            && !Tenon::Inspect::Modules::is_of_plugin($name);
        next if Tenon::Inspect::Modules::is_found($name, @includes);
        push @missing, _missing_module($name);
    }
    return @missing;
}

# ---- what the trials say

# The facts of the newest level, if the plugin could be asked.
sub _facts ($self, $level = $self->{levels}->[-1]) {
    for my $trial ($level, "stand-in $level") {
        my $facts = ($self->{at}->{$trial} // {})->{facts} // next;
        return $facts if $facts->{package};
    }
    return {};
}

sub _api_on ($self, $host) {
    my $facts = $host =~ m/\A\d+\z/ ? $self->_facts($host) : ($self->{at}->{$host} // {})->{facts}
        // {};
    my $version = ($facts->{api} // {})->{value};
    return defined($version) && !ref($version) && $version =~ m/\A\d+\z/ ? $version + 0 : undef;
}

sub _follows_host ($self) {
    my %seen = map { $_ => 1 } grep { defined } map { $self->_api_on($_) } $self->{levels}->@*;
    return keys(%seen) > 1;
}

sub _strategy ($self) {
    my @levels = $self->{levels}->@*;
    my %api = map { $_ => $self->_api_on($_) } @levels;
    my @known = grep { defined($api{$_}) } @levels;
    return { kind => 'none' } if !@known;
    return undef if @levels == 1; ## no critic (ProhibitExplicitReturnUndef)
    return { kind => 'fixed', version => $api{ $known[0] } } if uniq(@api{@known}) == 1;
    my @mirrored = grep { $api{$_} == $_ } @known;
    return { kind => 'other' } if !@mirrored;
    my $future = $self->_api_on('future');
    my $past = $self->_api_on('past');
    return { kind => 'host' } if defined($future) && $future == FAR_FUTURE;
    my $oldest = defined($past) && $past > FAR_PAST && $past < $mirrored[0] ? $past : $mirrored[0];
    my $newest = defined($future) && $future > $mirrored[-1] ? $future : $mirrored[-1];
    return { kind => 'mirror', oldest => $oldest + 0, newest => $newest + 0 };
}

sub _hosts ($self) {
    my %hosts;
    if (!$self->{source}->packages) {
        return { map { $_ => { verdict => 'rejected', reason => 'declares no package' } }
                $self->{levels}->@* };
    }
    for my $level ($self->{levels}->@*) {
        my ($verdict, $reason) = Tenon::Inspect::Verdict::of(
            $self->{at}->{$level}, $level,
            deadline => $self->{deadline},
            declared => $self->{declared},
        );
        $hosts{$level} = { verdict => $verdict, reason => $reason };
    }
    my $api = $self->_api_on($self->{levels}->[-1]) // 0;
    $hosts{$api} = { verdict => 'unknown', reason => $self->_of_the_future($api) }
        if $api > Tenon::Api->load->newest;
    return \%hosts;
}

# How Tenon treats a plugin whose level is newer than this release.
sub _of_the_future ($self, $api) {
    my $newest = Tenon::Api->load->newest;
    my @misfits = Tenon::Signatures::misfits(Tenon::Loader::source($self->{file}),
        $newest, ($self->_facts->{methods} // [])->@*);
    return "implements API version $api, newer than this Tenon knows; "
        . (
        @misfits
        ? 'it is not hosted: ' . join('; ', @misfits)
        : "it is hosted as one of $newest, with a warning: its signatures fit"
        );
}

# ---- the report

sub _report ($self) {
    my $facts = $self->_facts;
    my $newest = $self->{levels}->[-1];
    my $source = $self->{source};
    my $data = _hash($facts->{plugindata});
    my ($strategy, $hosts) = ($self->_strategy, $self->_hosts);
    my %is_method = map { $_ => 1 } Tenon::Api->load->method_names;
    my @packages = $source->packages;
    return {
        file => $self->{file},
        package => $facts->{package} // $packages[0],
        packages => [uniq @packages],
        pve => (($self->{at}->{$newest} // {})->{facts} // {})->{pve},
        type => _word($facts->{type}) // $source->type,
        proxy => $source->is_proxy ? 1 : 0,
        api => $self->_api_on($newest),
        strategy => $strategy,
        methods => $facts->{methods} // [grep { $is_method{$_} } $source->subs],
        properties => [sort keys _hash($facts->{properties})->%*],
        options => [sort keys _hash($facts->{options})->%*],
        content => _choices($data->{content}),
        formats => _choices($data->{format}),
        features => _names($data->{features}) // [],
        sensitive => _names($data->{'sensitive-properties'}),
        holds => $facts->{holds} // [],
        modules => [map { $_->{name} } $source->modules],
        missing => $self->{missing},
        neighbours => $facts->{neighbours} // {},
        isolated => Tenon::Inspect::Verdict::is_isolated($facts),
        undeclared => [
            ref($facts->{options}->{value} // '') eq 'HASH'
                && ref($facts->{properties}->{value} // '') eq 'HASH'
            ? Tenon::Inspect::Verdict::undeclared($facts, $newest, {})
            : ()
        ],
        problems => [
            $source->is_proxy
            ? 'It is a class of Tenon, which hands its calls to the daemon; what is behind it is another file.'
            : Tenon::Inspect::Problems::of(
                declared => $self->{declared},
                facts => $facts,
                file => $self->{file},
                hosts => $hosts,
                missing => $self->{missing},
                newest => $newest,
                result => $self->{at}->{$newest},
                source => $source,
                strategy => $strategy,
            )
        ],
        hosts => $hosts,
    };
}

sub _hash ($answer) {
    my $value = ($answer // {})->{value};
    return ref($value) eq 'HASH' ? $value : {};
}

sub _word ($answer) {
    my $value = ($answer // {})->{value};
    return defined($value) && !ref($value) ? $value : undef;
}

# PVE's pair of what is allowed and what is the default.
sub _choices ($pair) {
    return undef if ref($pair) ne 'ARRAY'; ## no critic (ProhibitExplicitReturnUndef)
    my ($allowed, $default) = $pair->@*;
    return {
        allowed => _names($allowed) // [],
        default => ref($default) ? _names($default) // [] : [$default // ()],
    };
}

sub _names ($set) {
    return undef if ref($set) ne 'HASH';   ## no critic (ProhibitExplicitReturnUndef)
    return [grep { $set->{$_} } sort keys $set->%*];
}

1;

__END__

=head1 NAME

Tenon::Inspect - tells about a plugin file without hosting it

=head1 SYNOPSIS

    my $report = Tenon::Inspect->inspect($file);
    say "$_: $report->{hosts}->{$_}->{verdict}" for sort keys $report->{hosts}->%*;

=head1 DESCRIPTION

Reads the file, and compiles it once for each API level in a process of its own, in which C<PVE::Storage> has the version
of such a host. The plugin is asked what it is; nothing that touches a storage is called. No process of it is left.

=head1 METHODS

=head2 registration

    my $registration = Tenon::Inspect->registration($file, pve_lib => $dir, lib => \@dirs, deadline => 30);

Dies in one sentence if the file cannot be read or declares no package. A hash reference with a C<complaint> if the
plugin does not tell what it is; otherwise with C<package>, with C<literals>, Perl source of
what each of C<plugindata>, C<properties> and C<options> returns, with C<holds>, as below, and what L<Tenon::Effects> tells.

=head2 inspect

    my $report = Tenon::Inspect->inspect($file, %opt);

Options: C<levels>, an array reference (all); C<pve_lib>, a directory with PVE's own libraries; C<lib>, an array reference
of directories with the plugin's own modules; C<declared>, the properties that other plugins on the host declare;
C<neighbours>, files of other plugins, which are loaded into the same processes; C<deadline>, in seconds (30). Dies in one sentence if the file cannot be read or declares no package.

The report is plain data. C<hosts> has, for each level, a C<verdict> of C<loads>, C<warns> or C<rejected> and a C<reason>;
C<problems> are sentences; C<holds> has what the plugin opened or started while it was loaded, see
L<Tenon::Inspect::Holdings>; C<neighbours> has what each neighbour declares after this plugin; C<missing> has hashes with C<module> and C<package>, undef for a module of the plugin's own; C<proxy> is true for a class
that Tenon wrote; C<strategy> has a C<kind>: C<mirror> (the
host's version, from C<oldest> to C<newest>), C<host> (the host's, whatever it is), C<fixed>, C<other> or C<none>.

=cut
