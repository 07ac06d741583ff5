//! The tree of an HTML page: nodes in one list, so that however deep it is nothing recurses.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::{Attribute, ExpandedName, LocalName, Namespace, ParseOpts, QualName, parse_document};

/// The most nodes of a page. What comes after them is left out.
const MAX_NODES: usize = 1_000_000;

/// A node's place in the list.
pub(super) type Id = usize;

/// What a node is.
#[derive(Debug)]
pub(super) enum Content {
    /// The page, or the content of a template.
    Root,
    /// An element.
    Element {
        /// Its name, in lower case.
        name: Rc<QualName>,
        /// Its attributes.
        attributes: Vec<Attribute>,
    },
    /// Text.
    Text(String),
    /// A comment and the like, or a node that is one too many.
    Nothing,
}

/// A node.
#[derive(Debug)]
pub(super) struct Node {
    /// What it is.
    pub(super) content: Content,
    parent: Option<Id>,
    /// What is in it.
    pub(super) children: Vec<Id>,
}

/// The tree.
#[derive(Debug)]
pub(super) struct Dom {
    nodes: Vec<Node>,
    /// There were more nodes than are kept.
    pub(super) is_cut: bool,
}

impl Dom {
    /// The tree of this page. Every text is a page.
    pub(super) fn parse(text: &str) -> Dom {
        let mut options = ParseOpts::default();
        // Nothing runs: what stands there for browsers without scripts is what is seen.
        options.tree_builder.scripting_enabled = false;
        let nameless = Rc::new(QualName::new(None, Namespace::default(), LocalName::default()));
        let sink =
            Sink { nodes: RefCell::new(vec![Node::of(Content::Root)]), is_cut: Cell::new(false), nameless };
        parse_document(sink, options).one(StrTendril::from_slice(text))
    }

    /// The page.
    pub(super) const ROOT: Id = 0;

    /// A node.
    pub(super) fn node(&self, id: Id) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// What is in a node.
    pub(super) fn children(&self, id: Id) -> &[Id] {
        self.node(id).map_or(&[], |node| &node.children)
    }

    /// What a node is in.
    pub(super) fn parent(&self, id: Id) -> Option<Id> {
        self.node(id)?.parent
    }

    /// The name of an element; of anything else, nothing.
    pub(super) fn name(&self, id: Id) -> &str {
        match self.node(id).map(|node| &node.content) {
            Some(Content::Element { name, .. }) => &name.local,
            _ => "",
        }
    }

    /// An attribute of an element.
    pub(super) fn attribute(&self, id: Id, wanted: &str) -> Option<&str> {
        match self.node(id).map(|node| &node.content) {
            Some(Content::Element { attributes, .. }) => {
                let found = attributes.iter().find(|attribute| &*attribute.name.local == wanted);
                found.map(|attribute| &*attribute.value)
            }
            _ => None,
        }
    }

    /// All text in a node.
    pub(super) fn text(&self, id: Id) -> String {
        let (mut text, mut open) = (String::new(), vec![id]);
        while let Some(id) = open.pop() {
            if let Some(Node { content: Content::Text(own), .. }) = self.node(id) {
                text.push_str(own);
            }
            open.extend(self.children(id).iter().rev());
        }
        text
    }
}

impl Node {
    fn of(content: Content) -> Node {
        Node { content, parent: None, children: Vec::new() }
    }
}

#[derive(Clone, Debug)]
struct Handle {
    id: Id,
    name: Option<Rc<QualName>>,
}

struct Sink {
    nodes: RefCell<Vec<Node>>,
    is_cut: Cell<bool>,
    nameless: Rc<QualName>,
}

impl Sink {
    fn add(&self, content: Content, name: Option<Rc<QualName>>) -> Handle {
        let mut nodes = self.nodes.borrow_mut();
        let content = match nodes.len() < MAX_NODES {
            true => content,
            false => {
                self.is_cut.set(true);
                Content::Nothing
            }
        };
        nodes.push(Node::of(content));
        Handle { id: nodes.len() - 1, name }
    }

    /// Puts something into a node, at a place or at the end. Text joins the text before it.
    fn put(&self, parent: Id, at: Option<usize>, child: NodeOrText<Handle>) {
        let id = match child {
            NodeOrText::AppendNode(handle) => handle.id,
            NodeOrText::AppendText(text) => {
                let mut nodes = self.nodes.borrow_mut();
                let children = nodes.get(parent).map_or(&[][..], |node| &node.children);
                let before = children.get(..at.unwrap_or(children.len())).and_then(|before| before.last());
                if let Some(before) = before.copied()
                    && let Some(Node { content: Content::Text(own), .. }) = nodes.get_mut(before)
                {
                    own.push_str(&text);
                    return;
                }
                drop(nodes);
                self.add(Content::Text(text.to_string()), None).id
            }
        };
        self.detach(id);
        let mut nodes = self.nodes.borrow_mut();
        if nodes.len() > MAX_NODES
            && nodes.get(id).is_some_and(|node| matches!(node.content, Content::Nothing))
        {
            return;
        }
        if let Some(node) = nodes.get_mut(id) {
            node.parent = Some(parent);
        }
        if let Some(node) = nodes.get_mut(parent) {
            let at = at.unwrap_or(node.children.len()).min(node.children.len());
            node.children.insert(at, id);
        }
    }

    fn detach(&self, id: Id) {
        let mut nodes = self.nodes.borrow_mut();
        let parent = nodes.get_mut(id).and_then(|node| node.parent.take());
        if let Some(parent) = parent.and_then(|parent| nodes.get_mut(parent)) {
            // What moves was put there last, mostly.
            if let Some(at) = parent.children.iter().rposition(|child| *child == id) {
                parent.children.remove(at);
            }
        }
    }

    fn place(&self, sibling: Id) -> Option<(Id, usize)> {
        let nodes = self.nodes.borrow();
        let parent = nodes.get(sibling)?.parent?;
        let at = nodes.get(parent)?.children.iter().rposition(|child| *child == sibling)?;
        Some((parent, at))
    }
}

impl TreeSink for Sink {
    type Handle = Handle;
    type Output = Dom;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Dom {
        Dom { nodes: self.nodes.into_inner(), is_cut: self.is_cut.get() }
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Handle { id: Dom::ROOT, name: None }
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        // Only elements are asked for, and they have names.
        target.name.as_ref().unwrap_or(&self.nameless).expanded()
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> Handle {
        let name = Rc::new(name);
        self.add(Content::Element { name: name.clone(), attributes }, Some(name))
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        self.add(Content::Nothing, None)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        self.add(Content::Nothing, None)
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.put(parent.id, None, child);
    }

    fn append_based_on_parent_node(&self, element: &Handle, before: &Handle, child: NodeOrText<Handle>) {
        match self.place(element.id) {
            Some((parent, at)) => self.put(parent, Some(at), child),
            None => self.put(before.id, None, child),
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    /// Nobody sees it: it is in no node.
    fn get_template_contents(&self, _: &Handle) -> Handle {
        self.add(Content::Root, None)
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        one.id == other.id
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, node: NodeOrText<Handle>) {
        if let Some((parent, at)) = self.place(sibling.id) {
            self.put(parent, Some(at), node);
        }
    }

    fn add_attrs_if_missing(&self, target: &Handle, new: Vec<Attribute>) {
        if let Some(Node { content: Content::Element { attributes, .. }, .. }) =
            self.nodes.borrow_mut().get_mut(target.id)
        {
            for attribute in new {
                if !attributes.iter().any(|known| known.name == attribute.name) {
                    attributes.push(attribute);
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.detach(target.id);
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        let mut nodes = self.nodes.borrow_mut();
        let children =
            nodes.get_mut(node.id).map(|node| std::mem::take(&mut node.children)).unwrap_or_default();
        for child in &children {
            if let Some(child) = nodes.get_mut(*child) {
                child.parent = Some(new_parent.id);
            }
        }
        if let Some(parent) = nodes.get_mut(new_parent.id) {
            parent.children.extend(children);
        }
    }
}
