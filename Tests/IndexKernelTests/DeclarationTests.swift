import IndexKernel
import Testing

/// What is found, one declaration a line: `kind scope.name first-last`.
private func outline(_ family: Syntax.Family, _ text: String) -> [String] {
  DeclarationScanner.scan(Array(text.utf8), Syntax(family)).map { found in
    let scope = found.scope.map { String(decoding: $0, as: UTF8.self) + "." } ?? ""
    return "\(found.kind.word) \(scope)\(String(decoding: found.name, as: UTF8.self)) \(found.line)-\(found.endLine)"
  }
}

@Suite struct DeclarationTests {
  @Test func python() {
    let text = """
      class A(B):
          \"\"\"def no(): pass\"\"\"
          @property
          def x(self):
              return {
                  "a": 1,
              }

          async def y(
              self,
          ):
              def inner():
                  pass
      def z(): pass
      """
    #expect(
      outline(.python, text) == [
        "class A 1-13", "method A.x 4-7", "method A.y 9-13", "function y.inner 12-13", "function z 14-14",
      ])
  }

  @Test func cWithPreprocessor() {
    let text = """
      #define MAX(a, b) \\
        ((a) > (b) ? (a) : (b))
      struct point { int x; };
      static const char *names[] = { "a", "}" };
      #ifdef X
      int f(int a) {
      #else
      int f(long a) {
      #endif
        if (a) { return '}'; }
        return MAX(a, 1); /* } */
      }
      struct point *
      g(void)
      {
        for (;;) { while (1) { } }
      }
      """
    #expect(
      outline(.c, text) == [
        "macro MAX 1-1", "struct point 3-3", "function f 6-6", "function f 8-12", "function g 13-17",
      ])
  }

  @Test func cPlusPlus() {
    let text = """
      namespace a {
      template <typename T> class Box : public Base<T> {
       public:
        Box(int n) : n_(n), m_(0) { run(); }
        bool operator==(const Box &other) const { return true; }
      };
      void Box::swap(int &a) noexcept {
      }
      }
      """
    #expect(
      outline(.cPlus, text) == [
        "namespace a 1-9", "class a.Box 2-6", "method Box.Box 3-4", "method Box.operator== 5-5", "method Box.swap 7-8",
      ])
  }

  @Test func go() {
    let text = """
      type Server[T any] struct {
      	name string
      }
      func (s *Server[T]) Serve(h func(int) error) (err error) {
      	go func() { x := `}` }()
      	return nil
      }
      func New(a interface{}) map[string]struct{} {
      	return nil
      }
      """
    #expect(
      outline(.go, text) == ["struct Server 1-3", "method Server.Serve 4-7", "function New 8-10"])
  }

  @Test func rust() {
    let text = """
      impl<'a, T: Into<X>> Display for Wrapper<'a, T> where T: Clone {
          fn fmt<F>(&self, f: F) -> Result { let c = '}'; let s = r#"}""#; }
      }
      pub enum E { A, B }
      async fn run() {}
      """
    #expect(
      outline(.rust, text) == ["extension Wrapper 1-3", "method Wrapper.fmt 2-2", "enum E 4-4", "function run 5-5"])
  }

  @Test func swift() {
    let text = """
      public struct Point<T>: Sendable where T: Sendable {
        public var length: Double { (x * x).squareRoot() }
        var plain = [1, 2].map { $0 }
        @inlinable
        public init(
          _ x: Int
        ) async throws {
          let text = "\\(items.map { "}" })"
        }
        static func == (a: Self, b: Self) -> Bool { true }
      }
      extension Point { func `default`() where T: Equatable { if let x { } } }
      """
    #expect(
      outline(.swift, text) == [
        "struct Point 1-11", "property Point.length 2-2", "method Point.init 4-9", "method Point.== 10-10",
        "extension Point 12-12", "method Point.default 12-12",
      ])
  }

  @Test func typeScript() {
    let text = """
      export function make<A, B = { x: 1 }>(a: A): { y: number } {
        const inner = async (b) => {
          return /[}/]/.test(`}${b ? `{` : "}"}`)
        }
        if (a) { call(() => { }) }
        return inner
      }
      class View extends Base {
        state = 1
        render({ a, b }): void {
        }
        onClick = () => {
        }
      }
      export default {
        setup(props) {
        },
        name: function () {
        },
      }
      """
    #expect(
      outline(.script, text) == [
        "function make 1-7", "function inner 2-4", "class View 8-14", "method View.render 10-11",
        "method View.onClick 12-13", "function setup 16-17", "function name 18-19",
      ])
  }

  @Test func others() {
    #expect(
      outline(
        .java,
        """
        @Entity(name = "x")
        public class A<T> extends B {
          @Override
          public List<T> get(int i) throws E {
            return new Foo() { };
          }
        }
        """) == ["class A 1-7", "method A.get 3-6"])
    #expect(
      outline(.kotlin, "class A {\n  override fun String.run(x: Int): Int {\n    return 1\n  }\n}\n") == [
        "class A 1-5", "method A.run 2-4",
      ])
    #expect(
      outline(.ends, "class A\n  def run(x)\n    1\n  end\nend\n") == ["class A 1-5", "method A.run 2-4"])
    #expect(outline(.shell, "run() {\n  echo \"}\" ${#x}\n}\n") == ["function run 1-3"])
    #expect(outline(.php, "<?php\nfunction &run($a) {\n  # }\n}\n") == ["function run 1-4"])
  }
}
